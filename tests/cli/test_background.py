"""`pmtui -d`, and a second `pmtui` beside it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import eventually, is_alive

SLEEPERS = [{"id": "a", "command": "sleep 600"}, {"id": "b", "command": "true", "restart": "never"}]
BAD = {"id": "bad", "command": "exit 3", "shell": True, "maxRetries": 0}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "pb_processes.json").write_text(json.dumps(SLEEPERS))
    yield tmp_path
    pmtui(tmp_path, "down", "--now")


def instance(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / ".pmtui/instance.json").read_text())
    return found


def test_it_returns_once_all_processes_are_up(folder: Path) -> None:
    done = pmtui(folder, "-d", "--port", "0")
    facts = instance(folder)
    told = f"2 processes are up: pid {facts['pid']}, {facts['url']}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")
    assert pmtui(folder, "list", "--json").returncode == 0
    assert os.getsid(int(str(facts["pid"]))) == facts["pid"]
    eventually(lambda: "[pmtui] a running" in (folder / ".pmtui/manager.log").read_text())


def test_it_reports_what_is_not_up(folder: Path) -> None:
    (folder / "pb_processes.json").write_text(json.dumps([*SLEEPERS, BAD]))
    done = pmtui(folder, "-d", "--port", "0")
    assert done.returncode == 1
    assert done.stdout.startswith("✖ bad  ✖ failed  exit 3")
    assert "2 processes are up, 1 not: pid" in done.stdout


def test_errors_of_the_config_are_reported(folder: Path) -> None:
    (folder / "pb_processes.json").write_text("[{")
    done = pmtui(folder, "-d", "--port", "0")
    assert done.returncode == 1
    assert done.stdout.startswith("✖ pb_processes.json:1:3: expected")


def test_a_manager_that_cannot_start_says_why(folder: Path) -> None:
    done = pmtui(folder, "-d", "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "PMTUI_TOKEN" in done.stderr


def test_a_second_manager_is_refused(folder: Path) -> None:
    assert pmtui(folder, "-d", "--port", "0").returncode == 0
    pid = instance(folder)["pid"]
    done = pmtui(folder, "-d")
    assert done.returncode == 1
    assert done.stderr.startswith(f"pmtui: a manager is already running for this config: pid {pid}, http://")


def test_a_dashboard_on_the_same_config_attaches(folder: Path) -> None:
    assert pmtui(folder, "-d", "--port", "0").returncode == 0
    pid = int(str(instance(folder)["pid"]))
    terminal = PseudoTerminal(folder, None)
    try:
        terminal.shows("Detach")
        terminal.press(b"q")
        assert terminal.ends() == 0
        terminal.shows(f"detached: the manager (pid {pid}, http://")
        assert is_alive(pid)
    finally:
        terminal.close()
