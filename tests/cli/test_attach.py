"""`pmtui attach` on a pseudo-terminal."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import eventually, is_alive
from tests.running import Running, running

PROCESSES = [
    {
        "id": "talker",
        "command": "printf '\\033[31mhello\\n'; while [ ! -e go ]; do sleep 0.02; done; echo live; sleep 600",
        "shell": True,
    },
    {"id": "other", "command": "echo another; sleep 600", "shell": True},
]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, PROCESSES) as manager:
        manager.wait_running(["talker", "other"])
        yield manager


@pytest.fixture
def terminal(manager: Running) -> Iterator[PseudoTerminal]:
    terminal = PseudoTerminal(manager.folder, None, words=("attach",))
    try:
        terminal.shows("Detach")
        terminal.shows("talker")
        yield terminal
    finally:
        terminal.close()


def test_detaching_stops_nothing_and_says_so(terminal: PseudoTerminal, manager: Running) -> None:
    pids = manager.wait_running(["talker", "other"])
    terminal.press(b"q")
    assert terminal.ends() == 0
    terminal.shows(f"detached: the manager (pid {manager.pid}, http://127.0.0.1:")
    eventually(terminal.is_restored)
    assert manager.wait_running(["talker", "other"]) == pids


def test_new_lines_are_shown_with_their_colors(terminal: PseudoTerminal, manager: Running) -> None:
    terminal.shows("hello")
    assert re.search(rb"\x1b\[[0-9;]*m[^\x1b]*hello", terminal.output)
    (manager.folder / "go").touch()
    terminal.shows("live")
    terminal.press(b"j")
    terminal.shows("another")


def test_keys_act_on_the_manager(terminal: PseudoTerminal, manager: Running) -> None:
    terminal.press(b"s")
    eventually(lambda: manager.row("talker")["status"] == "stopped")
    terminal.shows("Stopping talker")


def test_an_unresponsive_manager_is_stale(terminal: PseudoTerminal, manager: Running) -> None:
    terminal.shows("talker")
    manager.process.send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: re.search(r"stale since \d\d:\d\d:\d\d: no response", terminal.text))
        terminal.forget()
    finally:
        manager.process.send_signal(signal.SIGCONT)
    terminal.shows("2 running")


def test_the_next_manager_is_found(terminal: PseudoTerminal, manager: Running) -> None:
    assert manager.stop() == 0
    terminal.shows("no manager is running")
    with running(manager.folder, [{"id": "fresh", "command": "sleep 600"}]) as second:
        terminal.shows("fresh")
        terminal.press(b"q")
        assert terminal.ends() == 0
        assert is_alive(second.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_detaches(terminal: PseudoTerminal, manager: Running, number: signal.Signals) -> None:
    terminal.process.send_signal(number)
    assert terminal.ends() == 0
    eventually(terminal.is_restored)
    assert manager.process.poll() is None


def test_a_url_and_a_token_are_enough(manager: Running, tmp_path_factory: pytest.TempPathFactory) -> None:
    url = json.loads((manager.folder / ".pmtui/instance.json").read_text())["url"]
    token = (manager.folder / ".pmtui/token").read_text().strip()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    terminal = PseudoTerminal(elsewhere, None, words=("attach", url), PMTUI_TOKEN=token)
    try:
        terminal.shows("talker")
        terminal.press(b"q")
        assert terminal.ends() == 0
    finally:
        terminal.close()
    assert list(elsewhere.iterdir()) == []


def test_without_a_manager_it_is_exit_code_3(tmp_path: Path) -> None:
    for words in (("attach",), ("attach", "http://127.0.0.1:1")):
        terminal = PseudoTerminal(tmp_path, None, words=words)
        try:
            assert terminal.ends() == 3
            terminal.shows("o manager")
        finally:
            terminal.close()


def test_without_a_terminal_it_names_alternatives(manager: Running) -> None:
    done = pmtui(manager.folder, "attach")
    assert done.returncode == 2
    assert "pmtui list" in done.stderr
