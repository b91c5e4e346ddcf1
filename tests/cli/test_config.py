"""`pmtui config show`, `pmtui schema` and profiles on the command line."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.running import running

CONFIG = """\
include = ["services/*.toml"]
[defaults]
maxRetries = 3
[process.web]
command = "sleep 100"
env = { API_TOKEN = "s3cret-value", LOG = "info" }
[profile.prod.process.web.env]
LOG = "warn"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "services").mkdir()
    (tmp_path / "services/api.toml").write_text('[process.api]\ncommand = "sleep 200"\n')
    (tmp_path / "pmtui.toml").write_text(CONFIG)
    return tmp_path


def test_what_is_in_force_is_shown_with_its_file_and_line(project: Path) -> None:
    done = pmtui(project, "config", "show", "--origin", "--profile", "prod")
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines == [
        "[process.web]",
        "maxRetries = 3 # pmtui.toml:3",
        'command = "sleep 100" # pmtui.toml:5',
        'env.API_TOKEN = "********" # pmtui.toml:6',
        'env.LOG = "warn" # pmtui.toml:8',
        "",
        "[process.api]",
        "maxRetries = 3 # pmtui.toml:3",
        'command = "sleep 200" # services/api.toml:2',
    ]


def test_as_json_each_value_has_its_place(project: Path) -> None:
    shown = json.loads(pmtui(project, "config", "show", "--json").stdout)
    assert shown["process"]["web"]["env.LOG"] == {"value": "info", "file": "pmtui.toml", "line": 6}
    assert shown["process"]["api"]["command"]["file"] == "services/api.toml"


def test_errors_are_shown_beside_what_is_in_force(project: Path) -> None:
    (project / "services/api.toml").write_text('[process.api]\ncommand = "x"\nretires = 1\n')
    done = pmtui(project, "config", "show")
    assert done.returncode == 2
    assert done.stderr.startswith("services/api.toml:3:1: process.api.retires: unknown field")
    assert "[process.web]" in done.stdout


@pytest.mark.parametrize("words", [["check"], ["config", "show"], ["--no-ui"]])
def test_an_unknown_profile_is_bad_usage(project: Path, words: list[str]) -> None:
    done = pmtui(project, *words, "--profile", "prdo")
    assert done.returncode == 2
    assert done.stderr == "pmtui: unknown profile 'prdo', did you mean prod?: there are prod\n"


def test_profiles_come_from_the_environment_too(project: Path) -> None:
    done = pmtui(project, "config", "show", PMTUI_PROFILE=" prod ,")
    assert 'env.LOG = "warn"' in done.stdout
    assert pmtui(project, "check", PMTUI_PROFILE="nothing").returncode == 2


def test_a_foreign_file_is_checked_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: sleep 100\nworker: sleep 100\n")
    done = pmtui(tmp_path, "check", "-c", "Procfile")
    assert (done.returncode, done.stdout) == (0, "Procfile: 2 processes, no errors, no warnings\n")


def test_the_schema_is_json() -> None:
    schema = json.loads(pmtui(Path("/"), "schema").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_info_names_file_and_line_of_each_field(project: Path) -> None:
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").symlink_to(sys.executable)
    agent = "[process.agent]\ncommand = \"python -c 'import time; time.sleep(600)'\"\n"
    (project / "pmtui.toml").write_text(CONFIG + agent)
    with running(project, []) as run:
        run.wait_running(["web", "api", "agent"])
        shown = " ".join(pmtui(project, "info", "api").stdout.split())
        assert 'command = "sleep 200" # services/api.toml:2' in shown
        assert "maxRetries = 3 # pmtui.toml:3" in shown
        assert f"program {project}/.venv/bin/python" in " ".join(pmtui(project, "info", "agent").stdout.split())
