"""Which value a variable has, and where it is filled in, in projects of process-compose."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.environment import build_environment
from pmtui.config.load import load_config
from pmtui.importers.builder import Imported
from tests.importers.support import import_text, lost, reason


def project(folder: Path, process: dict[str, Any], shell: Mapping[str, str] = {}, **fields: Any) -> Imported:
    text = json.dumps(fields | {"processes": {"a": {"command": "a"} | process}})
    return import_text(folder, "process-compose.json", text, shell)


def values(folder: Path, shell: Mapping[str, str] = {}) -> dict[str, str]:
    """What the imported process would get."""
    loaded = load_config(folder / "pmtui.toml")
    (config,) = loaded.processes
    environment, _ = build_environment(config, loaded.settings, shell, {})
    return environment


@pytest.mark.parametrize(
    ("dotenv", "project_wide", "file", "own", "wins"),
    [
        ("X=dotenv", None, None, None, "dotenv"),
        ("X=dotenv", "X=project", None, None, "project"),
        ("X=dotenv", "X=project", "X=file", None, "file"),
        ("X=dotenv", "X=project", "X=file", "X=own", "own"),
        (None, "X=project", "X=file", None, "file"),
        (None, "X=project", None, "X=own", "own"),
        ("X=dotenv", None, "X=file", None, "file"),
        ("X=dotenv", "X=${X}/p", None, None, "dotenv/p"),
        ("Y=dotenv", "X=${Y}/p", None, None, "dotenv/p"),
    ],
)
def test_the_order_is_that_of_process_compose(
    tmp_path: Path, dotenv: str | None, project_wide: str | None, file: str | None, own: str | None, wins: str
) -> None:
    if dotenv:
        (tmp_path / ".env").write_text(f"{dotenv}\n")
    if file:
        (tmp_path / "own.env").write_text(f"{file}\n")
    process: dict[str, Any] = {"environment": [own]} if own else {}
    process |= {"env_file": "own.env"} if file else {}
    imported = project(tmp_path, process, environment=[project_wide] if project_wide else [])
    assert imported.losses == []
    assert values(tmp_path)["X"] == wins


def test_where_the_shell_would_win_over_the_env_file_is_a_loss(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=2\nC=3\n")
    shell = {"A": "other", "B": "2", "C": "other"}
    imported = project(tmp_path, {}, shell, environment=["C=4"])
    assert lost(imported) == [("", ".env: A")]


def test_an_env_file_is_looked_for_in_the_folder_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/own.env").write_text("X=right\n")
    (tmp_path / "own.env").write_text("X=wrong\n")
    imported = project(tmp_path, {"working_dir": "app", "env_file": "own.env"})
    assert imported.processes["a"]["envFile"] == ["app/own.env"]
    assert values(tmp_path)["X"] == "right"


def test_an_env_file_that_does_not_exist_is_a_loss(tmp_path: Path) -> None:
    imported = project(tmp_path, {"env_file": "gone.env"})
    assert lost(imported) == [("a", "env_file")]
    assert "process-compose goes on without it" in reason(imported, "env_file")


def test_a_name_without_a_value_sets_nothing(tmp_path: Path) -> None:
    imported = project(tmp_path, {"environment": ["HELD", "A=1"]})
    assert imported.losses == []
    assert values(tmp_path, {"HELD": "kept"}) == {"HELD": "kept", "A": "1"}


def test_one_process_may_do_without_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    assert "envFile" not in project(tmp_path, {"is_dotenv_disabled": True}).processes["a"]


def test_a_reference_is_to_what_process_compose_itself_has(tmp_path: Path) -> None:
    shell = {"A": "shell", "PATH": "/bin"}
    own = ["A=own", "B=${A}", "PATH=${PATH}:/x", "C=${NO:-none}", "D=5$$"]
    imported = project(tmp_path, {"command": "echo ${A} $$A", "environment": own}, shell)
    assert values(tmp_path, shell) == {"A": "own", "B": "shell", "PATH": "/bin:/x", "C": "none", "D": "5$"}
    assert imported.processes["a"]["args"] == ["-c", "echo shell $A"]
    assert "filled in now" in reason(imported, "${A}")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("echo '${A}'", "echo ''\"${A}\"''"),
        ('echo "it\'s ${A}"', 'echo "it\'s ${A}"'),
        ("echo ${A} '$$x' $$A", "echo ${A} '$x' $A"),
        ("echo '\"' '${A}'", "echo '\"' ''\"${A}\"''"),
        ("echo it\\'s ${A}", "echo it\\'s ${A}"),
        ('echo "\\"\'${A}\'"', 'echo "\\"\'${A}\'"'),
        ("awk '{print $1}'", "awk '{print $1}'"),
    ],
)
def test_variables_in_quotes_are_filled_in_too(tmp_path: Path, command: str, shown: str) -> None:
    assert project(tmp_path, {"command": command}).processes["a"]["args"] == ["-c", shown]


def test_commands_that_give_values_are_kept(tmp_path: Path) -> None:
    imported = project(tmp_path, {"environment": ["B=1"]}, env_cmds={"NOW": "date +%s", "B": "x"})
    assert imported.processes["a"]["env"] == {"NOW": {"command": ["bash", "-c", "date +%s"]}, "B": "1"}
    assert imported.losses == []


def test_its_own_variables_are_set_where_they_are_used(tmp_path: Path) -> None:
    imported = project(tmp_path, {"command": "serve --name $$PC_PROC_NAME --port 404$$PC_REPLICA_NUM"})
    assert imported.processes["a"]["env"] == {"PC_PROC_NAME": "a", "PC_REPLICA_NUM": "0"}


def test_a_file_that_is_merged_is_a_loss(tmp_path: Path) -> None:
    (tmp_path / "process-compose.override.yaml").write_text("processes: {}\n")
    assert lost(project(tmp_path, {})) == [("", "process-compose.override.yaml")]
