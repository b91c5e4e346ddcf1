"""supervisord.conf in the manner of Debian's packages and of containers."""

from pathlib import Path
from typing import Any

import pytest

from pmtui.importers.builder import UnsupportedFileError
from tests.importers.support import import_text, lost, reason

DEFAULTS = {"restart": "on-failure", "maxRetries": 3, "healthyAfter": "1s", "stopTimeout": "10s"}

SITE = """\
[unix_http_server]
file=/run/supervisor.sock   ; the path to the socket

[supervisord]
logfile=/var/log/supervisor/supervisord.log
environment=APP_ENV="prod"

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[program:site]
command=/srv/site/venv/bin/gunicorn site.wsgi
    --workers 3 --name "my site"
directory=/srv/site
user=www-data
autorestart=true
stopsignal=INT
stopwaitsecs=600
killasgroup=true
redirect_stderr=true
stdout_logfile=/var/log/site.log
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=3
environment=LANG="en_US.UTF-8",RATE="5%%",PRICE='5$',LIST="a,b"

[program:queue]
command=php artisan queue:work --tries=3
exitcodes=0,2
startretries=5
startsecs=3
autostart=false

[group:shop]
programs=site,queue
"""


def program(folder: Path, lines: str, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """The fields of one program."""
    imported = import_text(folder, "supervisord.conf", f"[program:a]\n{lines}\n", environment)
    (fields,) = imported.processes.values()
    return fields


def test_programs_keep_their_words_their_policy_and_their_group(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "supervisord.conf", SITE)
    assert imported.settings == {"env": {"APP_ENV": "prod"}}
    assert imported.processes == {
        "site": {
            "command": "/srv/site/venv/bin/gunicorn",
            "args": ["site.wsgi", "--workers", "3", "--name", "my site"],
            "cwd": "/srv/site",
            "user": "www-data",
            "env": {"LANG": "en_US.UTF-8", "RATE": "5%", "PRICE": "5$$", "LIST": "a,b"},
            "group": "shop",
            **DEFAULTS,
            "restart": "always",
            "stopSignal": "SIGINT",
            "stopTimeout": "600s",
            "log": {"maxSize": 50 << 20, "keep": 3},
        },
        "queue": {
            "command": "php artisan queue:work --tries=3",
            "group": "shop",
            **DEFAULTS,
            "autostart": False,
            "successExitCodes": [0, 2],
            "maxRetries": 5,
            "healthyAfter": "3s",
        },
    }
    assert lost(imported) == [("site", "stdout_logfile")]


def test_a_sign_of_a_comment_after_a_blank_cuts_the_line_as_it_does_there(tmp_path: Path) -> None:
    assert program(tmp_path, "command=sleep 5 ; a while")["command"] == "sleep 5"


def test_variables_of_a_command_are_filled_in_at_each_start(tmp_path: Path) -> None:
    fields = program(tmp_path, "command=serve --port=%(ENV_PORT)s 'two words'", {"PORT": "1234"})
    assert fields["command"] == """exec serve --port="${PORT?}" 'two words'"""
    assert fields["shell"] is True


def test_a_variable_that_is_several_words_is_split_as_it_is_there(tmp_path: Path) -> None:
    lines = """command=serve %(ENV_OPTIONS)s "%(ENV_OPTIONS)s" '*.py'"""
    fields = program(tmp_path, lines, {"OPTIONS": "--a --b"})
    assert fields["command"] == """set -f; exec serve ${OPTIONS?} "${OPTIONS?}" '*.py'"""


def test_variables_are_filled_in_everywhere(tmp_path: Path) -> None:
    lines = (
        "command=work\nautostart=%(ENV_AUTO)s\nautorestart=%(ENV_AUTO)s\nstartsecs=%(ENV_SECS)s\n"
        "startretries=%(ENV_SECS)s\nstopsignal=%(ENV_SIGNAL)s\nstopwaitsecs=%(ENV_SECS)s\nexitcodes=0,%(ENV_SECS)s\n"
        "user=%(ENV_OWNER)s\numask=%(ENV_MASK)s\nnumprocs=%(ENV_NUMBER)s\nprocess_name=%(process_num)d\n"
        "stdout_logfile=%(ENV_LOG)s\nstderr_logfile=/dev/null\n"
    )
    shell = {"AUTO": "false", "SECS": "7", "SIGNAL": "2", "OWNER": "nobody", "MASK": "027", "NUMBER": "3"}
    assert program(tmp_path, lines, shell | {"LOG": "NONE"}) == {
        "command": "work",
        "autostart": False,
        "restart": "never",
        "healthyAfter": "7s",
        "maxRetries": 7,
        "stopSignal": "SIGINT",
        "stopTimeout": "7s",
        "successExitCodes": [0, 7],
        "user": "nobody",
        "umask": "027",
        "instances": 3,
        "log": {"file": False},
    }


def test_variables_of_groups_includes_and_the_daemon_are_filled_in(tmp_path: Path) -> None:
    (tmp_path / "prod.conf").write_text("[program:b]\ncommand=b\n")
    text = (
        "[supervisord]\ndirectory=%(ENV_BASE)s\numask=%(ENV_MASK)s\n[program:a]\ncommand=a\n"
        "[group:all]\nprograms=%(ENV_FIRST)s,b,gone\n[include]\nfiles=%(ENV_STAGE)s.conf\n"
    )
    shell = {"BASE": "/srv", "MASK": "077", "FIRST": "a", "STAGE": "prod"}
    imported = import_text(tmp_path, "supervisord.conf", text, shell)
    for fields in imported.processes.values():
        assert (fields["cwd"], fields["umask"], fields["group"]) == ("/srv", "077", "all")
    assert lost(imported) == [("", "group:all")]


def test_a_program_with_a_variable_that_is_not_set_is_left_out(tmp_path: Path) -> None:
    text = "[program:a]\ncommand=a\nautostart=%(ENV_NOWHERE)s\n[program:b]\ncommand=b\n"
    imported = import_text(tmp_path, "supervisord.conf", text)
    assert list(imported.processes) == ["b"]
    assert "NOWHERE is not set here" in reason(imported, "program:a")


def test_variables_are_those_of_the_daemon_and_in_other_fields_those_of_the_program(tmp_path: Path) -> None:
    text = (
        '[supervisord]\nenvironment=A="daemon"\n[program:x]\ncommand=x %(ENV_A)s\nstartretries=%(ENV_N)s\n'
        'environment=B="%(ENV_A)s",C="%(ENV_B)s",D="%(ENV_E)s"\ndirectory=/srv/%(ENV_B)s\n'
    )
    imported = import_text(tmp_path, "supervisord.conf", text, {"A": "a", "B": "b", "E": "e", "N": "4"})
    fields = imported.processes["x"]
    assert imported.settings == {"env": {"A": "daemon"}}
    assert fields["env"] == {"B": "${A}", "C": "b", "D": "${E}"}
    assert (fields["command"], fields["cwd"]) == ('exec x "${A?}"', "/srv/daemon")


@pytest.mark.parametrize(("restart", "losses"), [("true", 1), ("unexpected", 1), ("false", 0)])
def test_a_run_of_any_length_is_good_only_there(tmp_path: Path, restart: str, losses: int) -> None:
    lines = f"[program:a]\ncommand=a\nstartsecs=0\nautorestart={restart}\n"
    imported = import_text(tmp_path, "supervisord.conf", lines)
    fields = imported.processes["a"]
    assert (fields["healthyAfter"], fields["maxRetries"]) == ("1s", 3)
    assert lost(imported) == [("a", "startsecs")] * losses


def test_a_log_that_is_never_rotated_is_none_here(tmp_path: Path) -> None:
    lines = "command=a\nstdout_logfile_maxbytes=0\nstderr_logfile_maxbytes=0"
    assert program(tmp_path, lines)["log"] == {"maxSize": 0}
    lines = "[program:a]\ncommand=a\nstdout_logfile_maxbytes=1MB\nstderr_logfile_maxbytes=2MB\n"
    assert lost(import_text(tmp_path, "supervisord.conf", lines)) == [("a", "stderr_logfile_maxbytes")]


@pytest.mark.parametrize("file", ["NONE", "off", "/dev/null"])
def test_a_merged_stream_that_goes_nowhere_is_no_log(tmp_path: Path, file: str) -> None:
    assert program(tmp_path, f"command=a\nredirect_stderr=true\nstdout_logfile={file}")["log"] == {"file": False}


def test_variables_of_an_environment_are_templates(tmp_path: Path) -> None:
    fields = program(tmp_path, 'command=serve\nenvironment=DSN="%(ENV_DSN)s/$x"', {"DSN": "secret"})
    assert fields["env"] == {"DSN": "${DSN}/$$x"}


def test_the_folder_of_a_program_is_known_now_or_the_program_is_left_out(tmp_path: Path) -> None:
    lines = "command=serve\ndirectory=%(ENV_BASE)s/app\n[program:b]\ncommand=serve"
    imported = import_text(tmp_path, "supervisord.conf", f"[program:a]\n{lines}", {"BASE": "/srv"})
    assert imported.processes["a"]["cwd"] == "/srv/app"
    (tmp_path / "pmtui.toml").unlink()
    imported = import_text(tmp_path, "supervisord.conf", f"[program:a]\n{lines}", {})
    assert list(imported.processes) == ["b"]
    assert "BASE is not set here" in reason(imported, "program:a")


def test_names_of_the_file_are_filled_in(tmp_path: Path) -> None:
    fields = program(tmp_path, "command=%(here)s/run %(program_name)s %(group_name)s %(process_num)02d")
    assert fields["command"] == f"{tmp_path}/run a a 00"


def test_numbered_processes_that_are_alike_are_instances(tmp_path: Path) -> None:
    lines = "[program:a]\ncommand=work\nnumprocs=3\nprocess_name=%(program_name)s_%(process_num)02d"
    imported = import_text(tmp_path, "supervisord.conf", lines)
    assert imported.processes["a"]["instances"] == 3
    assert "id-1 to id-n" in reason(imported, "process_name")


def test_numbered_processes_that_differ_are_processes_of_their_own(tmp_path: Path) -> None:
    lines = (
        "[program:web]\ncommand=serve --port=80%(process_num)02d\n"
        "numprocs=2\nnumprocs_start=1\nprocess_name=%(program_name)s-%(process_num)d"
    )
    imported = import_text(tmp_path, "supervisord.conf", lines)
    assert {name: fields["command"] for name, fields in imported.processes.items()} == {
        "web-1": "serve --port=8001",
        "web-2": "serve --port=8002",
    }


def test_included_files_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/b.conf").write_text("[program:b]\ncommand=%(here)s/b\n")
    imported = import_text(
        tmp_path, "supervisord.conf", "[program:a]\ncommand=a\n[include]\nfiles=conf.d/*.conf none/*.ini\n"
    )
    assert imported.processes["b"]["command"] == f"{tmp_path}/conf.d/b"
    assert lost(imported) == [("", "include")]


def test_a_file_that_only_includes_others_names_those_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedFileError, match=r"no \[program:…\] in it; include .*nowhere/\*\.conf matches no file"
    ):
        import_text(tmp_path, "supervisord.conf", "[include]\nfiles = nowhere/*.conf")


@pytest.mark.parametrize(("word", "is_lost"), [("true", False), ("false", True)])
def test_whether_a_group_is_stopped_is_told(tmp_path: Path, word: str, is_lost: bool) -> None:
    imported = import_text(tmp_path, "supervisord.conf", f"[program:a]\ncommand=work\nstopasgroup={word}")
    assert reason(imported, "stopasgroup") == "the whole tree is always stopped"
    assert lost(imported) == [("a", "stopasgroup")] * is_lost


def test_what_is_no_program_is_named(tmp_path: Path) -> None:
    text = (
        "[program:a]\ncommand=a\npriority=5\n[eventlistener:mem]\ncommand=memmon\n"
        "[fcgi-program:f]\ncommand=f\nsocket=tcp://localhost:9000\n[odd]\nx=1\n"
    )
    assert lost(import_text(tmp_path, "supervisord.conf", text)) == [
        ("a", "priority"),
        ("mem", "eventlistener:mem"),
        ("f", "fcgi-program:f"),
        ("", "odd"),
    ]


def test_output_of_a_container_is_bridged_anyway(tmp_path: Path) -> None:
    lines = (
        "command=a\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n"
        "stderr_logfile=/dev/fd/2\nstderr_logfile_maxbytes=0"
    )
    imported = import_text(tmp_path, "supervisord.conf", f"[program:a]\n{lines}\n")
    assert imported.losses == []
    assert "log" not in imported.processes["a"]


def test_no_log_is_wanted_only_where_neither_stream_has_one(tmp_path: Path) -> None:
    assert program(tmp_path, "command=a\nstdout_logfile=NONE\nstderr_logfile=NONE")["log"] == {"file": False}
    imported = import_text(tmp_path, "supervisord.conf", "[program:a]\ncommand=a\nstderr_logfile=/dev/null\n")
    assert lost(imported) == [("a", "stderr_logfile")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("autostart=true", "it has no command"),
        ("command=a 'b", "cannot be split"),
        ("command=%(nothing)s", r"%\(nothing\)s is unknown"),
        ("command=a\nautorestart=maybe", "autorestart is maybe"),
        ("command=a\nenvironment=A", "expected NAME=value"),
        ("command=a\nstopsignal=NOPE", "stopsignal is NOPE: not a signal"),
        ("command=a\nexitcodes=0,x", "exitcodes is 0,x"),
        ("command=a\nnumprocs=many", "numprocs is many"),
        ("command=a\nstdout_logfile_backups=x", "stdout_logfile_backups is x"),
    ],
)
def test_a_program_that_supervisord_would_refuse_is_left_out(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(UnsupportedFileError, match=message):
        program(tmp_path, lines)


def test_a_text_that_is_no_ini_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFileError, match="is not an ini file: line 2"):
        import_text(tmp_path, "supervisord.conf", "[program:a]\nnonsense\n")
