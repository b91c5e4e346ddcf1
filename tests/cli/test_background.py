"""`pmtui -d`, and a second `pmtui` beside it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import NEVER_UP
from tests.cli.shell import CLEAN, pmtui, without_progress
from tests.dashboard.terminal import START, PseudoTerminal
from tests.eventually import DEADLINE, eventually, is_alive
from tests.running import PMTUI

SLEEPERS = [
    {"id": "a", "command": "sleep 600"},
    {"id": "b", "command": "true", "restart": "never", "health": NEVER_UP},
]
BAD = [
    {"id": "bad", "command": "echo first >&2; echo because >&2; exit 3", "shell": True}
    | {"maxRetries": 0, "health": NEVER_UP},
    {"id": "web", "command": "sleep 600", "dependsOn": {"bad": "succeeded"}},
]
SLOW = {
    "id": "slow",
    "command": "sleep 600",
    "health": {"tcp": "127.0.0.1:9", "startPeriod": "10m", "timeout": "10m"},
}


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
    *lines, summary = done.stdout.splitlines()
    a, b = sorted(lines)
    assert re.fullmatch(r"✓ a  ● running  pid \d+", a)
    assert b.startswith("✓ b  ✓ completed")
    assert summary == f"2 processes are up: pid {facts['pid']}, {facts['url']}"
    assert (done.returncode, without_progress(done.stderr)) == (0, "")
    assert pmtui(folder, "list", "--json").returncode == 0
    assert os.getsid(int(str(facts["pid"]))) == facts["pid"]
    eventually(lambda: "[pmtui] a running" in (folder / ".pmtui/manager.log").read_text())


def test_it_reports_what_is_not_up(folder: Path) -> None:
    (folder / "pb_processes.json").write_text(json.dumps([*SLEEPERS, *BAD]))
    done = pmtui(folder, "-d", "--port", "0")
    assert done.returncode == 1
    assert "✖ bad  ✖ failed  because (exit 3" in done.stdout
    assert "2 processes are up, 2 not: pid" in done.stdout
    assert "✖ web  ✖ failed  bad did not succeed: because" in done.stdout
    errors = without_progress(done.stderr)
    assert re.fullmatch(r"pmtui: bad is failed: because \(exit 3 after .*\)\n  first\n  because\n", errors)


def test_a_process_is_reported_while_others_are_awaited(folder: Path) -> None:
    line = f"until [ -e {folder}/go ]; do sleep 0.05; done; echo up; sleep 600"
    slow = {"id": "slow", "command": line, "shell": True, "health": {"log": "up"}}
    (folder / "pb_processes.json").write_text(json.dumps([*SLEEPERS, slow]))
    words = [*PMTUI, "-d", "--port", "0"]
    with subprocess.Popen(words, cwd=folder, env=CLEAN, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout
        assert {up.stdout.readline().split()[1] for _ in range(2)} == {"a", "b"}
        (folder / "go").touch()
        assert up.stdout.readline().split()[1:4] == ["slow", "●", "running"]
        assert up.wait(DEADLINE) == 0


def test_a_terminal_shows_in_place_what_is_awaited(folder: Path) -> None:
    (folder / "pb_processes.json").write_text(json.dumps([*SLEEPERS, SLOW]))
    terminal = PseudoTerminal(folder, None, "-d")
    awaited = re.compile(rb"\r\x1b\[Kwaiting for \d+s: slow is starting \(waiting for health\)\r\x1b\[K")
    try:
        eventually(lambda: awaited.search(terminal.output))
        terminal.press(b"\x03")
        assert terminal.ends() == -signal.SIGINT
    finally:
        terminal.close()


def test_a_process_that_is_not_up_in_time_is_told_with_its_last_check(folder: Path) -> None:
    (folder / "pb_processes.json").write_text(json.dumps([SLOW]))
    assert pmtui(folder, "-d", "--port", "0", "--timeout", "0").returncode == 124
    eventually(lambda: json.loads(pmtui(folder, "info", "slow", "--json").stdout)["probes"])
    done = pmtui(folder, "start", "slow", "--timeout", "0")
    assert done.returncode == 124
    assert done.stderr == "pmtui: slow is starting: waiting for health, last check: Connection refused\n"


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


SIGNALLED_BEFORE_IT_ATTACHES = """
import signal
from pmtui.spawner.launcher import GuardianLauncher

abort = GuardianLauncher.abort

def abort_late(self):
    signal.raise_signal(signal.SIGTERM)
    abort(self)

GuardianLauncher.abort = abort_late
"""


def test_a_signal_that_comes_before_a_dashboard_attaches_ends_it(folder: Path) -> None:
    assert pmtui(folder, "-d", "--port", "0").returncode == 0
    terminal = PseudoTerminal(folder, None, program=(sys.executable, "-c", SIGNALLED_BEFORE_IT_ATTACHES + START))
    try:
        assert terminal.ends() == -signal.SIGTERM
    finally:
        terminal.close()


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
