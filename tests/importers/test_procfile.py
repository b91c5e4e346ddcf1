"""Procfiles in the manner of Heroku, foreman and honcho."""

from pathlib import Path

import pytest

from pmtui.importers.builder import UnsupportedFileError
from tests.importers.support import import_text, lost, reason

DJANGO = """\
# processes of the shop
release: python manage.py migrate --noinput && python manage.py check
web: gunicorn shop.wsgi --bind 0.0.0.0:$PORT --workers 3

worker: celery -A shop worker -l info
"""


def test_each_line_is_a_process_with_the_port_it_is_used_to(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "Procfile", DJANGO)
    assert imported.processes == {
        "release": {
            "command": "python manage.py migrate --noinput && python manage.py check",
            "shell": True,
            "restart": "never",
            "env": {"PORT": "5000"},
        },
        "web": {
            "command": "gunicorn shop.wsgi --bind 0.0.0.0:$PORT --workers 3",
            "shell": True,
            "env": {"PORT": "5100"},
        },
        "worker": {"command": "celery -A shop worker -l info", "env": {"PORT": "5200"}},
    }
    assert imported.losses == []


def test_the_env_file_beside_it_is_read_by_each_process_and_gives_the_first_port(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=3000\nDEBUG=1\n")
    imported = import_text(tmp_path, "Procfile", "a: ./a\nb: ./b\n")
    assert imported.processes["a"]["envFile"] == [".env"]
    assert [fields["env"]["PORT"] for fields in imported.processes.values()] == ["3000", "3100"]


def test_the_first_port_may_be_that_of_the_shell(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "Procfile", "a: ./a\nb: ./b\n", {"PORT": "7000"})
    assert [fields["env"]["PORT"] for fields in imported.processes.values()] == ["7000", "7100"]


def test_the_name_of_a_process_is_set_where_it_is_used(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "Procfile", "a: ./a --name $PS\nb: ./b ${HONCHO_PROCESS_NAME}\nc: ./c $PSYCHO\n")
    assert [fields["env"] for fields in imported.processes.values()] == [
        {"PS": "a.1", "PORT": "5000"},
        {"HONCHO_PROCESS_NAME": "b.1", "PORT": "5100"},
        {"PORT": "5200"},
    ]


def test_options_of_foreman_and_other_procfiles_are_told(tmp_path: Path) -> None:
    (tmp_path / ".foreman").write_text("port: 3000\n")
    imported = import_text(tmp_path, "Procfile", "a: ./a\n-f back/Procfile\n")
    assert lost(imported) == [("", "line 2"), ("", ".foreman")]
    assert "overmind" in reason(imported, "line 2")


def test_a_value_that_foreman_or_honcho_reads_in_another_way_is_a_loss(tmp_path: Path) -> None:
    text = "PLAIN=x\nTITLE=two words\nKEY=pa$$WORD\nNOTE=x # y\nSAFE='a $B # c'\nexport OTHER=y\n"
    (tmp_path / ".env").write_text(text)
    imported = import_text(tmp_path, "Procfile", "a: ./a\n")
    losses = {note.source: note.reason.partition(" than ")[0] for note in imported.losses}
    assert losses == {
        ".env: TITLE": "honcho gives it another value",
        ".env: KEY": "foreman and honcho give it another value",
        ".env: NOTE": "foreman gives it another value",
        ".env: OTHER": "foreman and honcho give it another value",
    }


def test_no_value_of_the_env_file_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOKEN=hunter2 hunter3\n")
    assert "hunter" not in str(import_text(tmp_path, "Procfile", "a: ./a\n"))


def test_an_env_file_that_cannot_be_read_is_a_loss_with_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nnonsense\n")
    imported = import_text(tmp_path, "Procfile", "a: ./a\n")
    assert lost(imported) == [("", ".env")]
    assert "line 2: expected NAME=value" in reason(imported, ".env")


@pytest.mark.parametrize("line", [" web: ./indented", "web :./blank", "my.app: ./dot", "web:"])
def test_a_line_that_others_pass_over_is_named(tmp_path: Path, line: str) -> None:
    imported = import_text(tmp_path, "Procfile", f"a: ./a\n{line}\n")
    assert lost(imported) == [("", "line 2")]


def test_a_sign_of_a_comment_after_a_command_is_left_to_the_shell(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "Procfile", "a:./a # not now\r\n")
    assert imported.processes["a"]["command"] == "./a # not now"
    assert imported.processes["a"]["shell"] is True


def test_one_name_for_two_processes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFileError, match="web is there twice: lines 1 and 3"):
        import_text(tmp_path, "Procfile", "web: ./a\n\nweb: ./b\n")


def test_a_name_that_is_no_id_becomes_one(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "Procfile", "_web: ./a\nweb: ./b\n")
    assert list(imported.processes) == ["web", "web-2"]
    assert len([note for note in imported.notes if note.target == "id"]) == 2
