"""`pmtui import`; the imported configs run."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.eventually import eventually
from tests.running import running

APPS = {"apps": [{"name": "api", "script": "sleep 600"}, {"name": "old", "script": "sleep 600", "cron": "* * * * *"}]}


@pytest.fixture
def ecosystem(tmp_path: Path) -> Path:
    (tmp_path / "ecosystem.json").write_text(json.dumps(APPS))
    return tmp_path


def test_it_reports_each_setting_and_writes_a_config(ecosystem: Path) -> None:
    done = pmtui(ecosystem, "import", "ecosystem.json")
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first.split() == ["PROCESS", "FROM", "TO", "NOTE"]
    assert any(line.split()[:3] == ["api", "script", "command"] for line in rest)
    assert any(line.split()[:3] == ["old", "cron_restart", "LOST"] for line in rest)
    assert rest[-2] == f"{ecosystem}/pmtui.toml: 2 processes, 1 setting lost"
    assert pmtui(ecosystem, "check").stdout == "pmtui.toml: 2 processes, no errors, no warnings\n"


def test_the_new_config_can_go_to_stdout(ecosystem: Path) -> None:
    done = pmtui(ecosystem, "import", "ecosystem.json", "-o", "-")
    assert done.stdout.startswith("# Made by pmtui import of 'ecosystem.json'.\n\n[process.api]\n")
    assert "LOST" in done.stderr
    assert os.listdir(ecosystem) == ["ecosystem.json"]


def test_strict_writes_nothing_if_a_setting_is_lost(ecosystem: Path) -> None:
    done = pmtui(ecosystem, "import", "--strict", "ecosystem.json")
    assert (done.returncode, done.stderr) == (1, "pmtui: 1 setting lost; nothing is written because of --strict\n")
    assert os.listdir(ecosystem) == ["ecosystem.json"]


def test_strict_succeeds_if_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("a: sleep 600\n")
    assert pmtui(tmp_path, "import", "--strict", "Procfile").returncode == 0


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_nothing_is_overwritten(ecosystem: Path, kind: str) -> None:
    config = ecosystem / "pmtui.toml"
    if kind == "file":
        config.write_text("mine")
    else:
        config.symlink_to("nowhere")
    done = pmtui(ecosystem, "import", "ecosystem.json")
    assert done.returncode == 1
    assert "pmtui.toml already exists and is never overwritten" in done.stderr
    assert (config.read_text() == "mine") if kind == "file" else not config.exists()


def test_invalid_input_writes_no_file(tmp_path: Path) -> None:
    (tmp_path / "ecosystem.json").write_text("{apps: [")
    done = pmtui(tmp_path, "import", "ecosystem.json")
    assert done.returncode == 1
    assert done.stderr.startswith(f"pmtui: {tmp_path}/ecosystem.json is not valid JSON: line 1")
    assert os.listdir(tmp_path) == ["ecosystem.json"]


def test_an_unknown_kind_is_bad_usage(ecosystem: Path) -> None:
    assert pmtui(ecosystem, "import", "--from", "systemd", "ecosystem.json").returncode == 2


def test_names_in_a_foreign_file_cannot_control_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps([{"name": "a", "script": "a.js", "\x1b]0;gone\x07": 1}]))
    assert "\x1b" not in pmtui(tmp_path, "import", "e.json").stdout


def test_an_imported_procfile_runs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GREETING=hello\n")
    (tmp_path / "Procfile").write_text("web: echo $GREETING $PORT > web.txt && sleep 600\nworker: sleep 600\n")
    assert pmtui(tmp_path, "import", "Procfile").returncode == 0
    with running(tmp_path, [], "-c", "pmtui.toml") as manager:
        manager.wait_running(["web", "worker"])
        eventually(lambda: lines_of(tmp_path / "web.txt") == ["hello 5000"])
        assert manager.stop() == 0


def test_an_imported_supervisord_conf_runs(tmp_path: Path) -> None:
    conf = "[program:a]\ncommand=sh -c 'echo $A; exec sleep 600'\nenvironment=A='1'\n"
    (tmp_path / "supervisord.conf").write_text(f"{conf}[program:n]\ncommand=sleep %(ENV_PAUSE)s\nnumprocs=2\n")
    assert pmtui(tmp_path, "import", "supervisord.conf").returncode == 0
    config = tmp_path / "pmtui.toml"
    config.write_text(f'{config.read_text()}\n[settings.env]\nPAUSE = "600"\n')
    with running(tmp_path, [], "-c", "pmtui.toml") as manager:
        manager.wait_running(["a", "n-1", "n-2"])


def test_an_imported_process_compose_runs(tmp_path: Path) -> None:
    processes = {
        "first": {"command": "echo ready && sleep 600", "ready_log_line": "ready"},
        "second": {"command": "sleep 600", "depends_on": {"first": {"condition": "process_healthy"}}},
    }
    (tmp_path / "process-compose.json").write_text(json.dumps({"processes": processes}))
    assert pmtui(tmp_path, "import", "process-compose.json").returncode == 0
    with running(tmp_path, [], "-c", "pmtui.toml") as manager:
        manager.wait_running(["first", "second"])


def test_an_mprocs_yaml_runs_as_it_is(tmp_path: Path) -> None:
    text = "procs:\n  web:\n    shell: test -t 1 && env > web.txt; sleep 600\n    env: {HOME: null, A: x}\n"
    (tmp_path / "mprocs.yaml").write_text(text)
    with running(tmp_path, [], "-c", "mprocs.yaml") as manager:
        manager.wait_running(["web"])
        lines = eventually(lambda: found if "A=x" in (found := lines_of(tmp_path / "web.txt")) else [])
    assert not any(line.startswith("HOME=") for line in lines)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
