"""The manager behind the dashboard, in a real pseudo-terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import tty
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from pmtui.dashboard.backend.manager_thread import ManagerThread
from pmtui.dashboard.terminal.state import Terminal
from tests.dashboard.terminal import SLEEPERS, START, PseudoTerminal, terminal, workers
from tests.eventually import DEADLINE, eventually

TALKER = "[process.web]\ncommand = \"sh -c 'echo hello; exec sleep 600'\"\n"
SLOW_TO_CLOSE = """
import time
from pmtui.dashboard.backend import manager_thread

manager_thread.EXIT_TIMEOUT, manager_thread.MAX_EXIT_TIMEOUT = 0.05, 3600
close = manager_thread.ManagerThread.close
manager_thread.ManagerThread.close = lambda self: time.sleep(1) or close(self)
"""
LONG_LINE = """
from pmtui.dashboard.terminal import state

state.PRINT_TIMEOUT = 3600
state.Terminal(None).print_line("x" * 100_000)
"""
ENDED_BEFORE_THE_DASHBOARD = """
import time
from pmtui.dashboard.backend import manager_thread

manager_thread.MAX_EXIT_TIMEOUT = 3600
set_callbacks = manager_thread.ManagerThread.set_callbacks

def set_callbacks_late(self, *callbacks):
    self.request_exit()
    while not self._loop.is_closed():
        time.sleep(0.01)
    set_callbacks(self, *callbacks)

manager_thread.ManagerThread.set_callbacks = set_callbacks_late
"""
SIGNALLED_BEFORE_THE_DASHBOARD = """
import signal
from pmtui.dashboard import run

exit_on_signals = run.exit_on_signals

def exit_on_signals_late(target):
    signal.raise_signal(signal.SIGTERM)
    return exit_on_signals(target)

run.exit_on_signals = exit_on_signals_late
"""


def test_a_warning_logged_before_the_first_screen_is_a_toast(tmp_path: Path) -> None:
    (tmp_path / ".pmtui/logs/web-stdout.log").mkdir(parents=True)
    with terminal(tmp_path, TALKER, size=(150, 30)) as shown:
        shown.shows("cannot write")


def test_a_later_warning_is_a_toast(tmp_path: Path) -> None:
    with terminal(tmp_path, SLEEPERS, size=(150, 30)) as shown:
        shown.shows("2 running")
        os.kill(json.loads((tmp_path / ".pmtui/state.json").read_text())["guardian"], signal.SIGKILL)
        shown.shows("the guardian (pid")


def test_a_warning_logged_at_the_moment_when_the_dashboard_is_ready_is_passed_on() -> None:
    manager = ManagerThread(cast("Any", None), cast("Any", None), Terminal(None))
    warnings: list[str] = []

    class Pending(deque[str]):
        def append(self, text: str) -> None:
            manager.set_callbacks(warnings.append, lambda: None)
            super().append(text)

    manager._pending_warnings = Pending()
    manager._show_warning("WARN", "late")
    assert warnings == ["late"]
    manager._loop.close()


def test_a_dashboard_that_is_slow_to_close_says_what_stopped(tmp_path: Path) -> None:
    with terminal(tmp_path, program=(sys.executable, "-c", SLOW_TO_CLOSE + START)) as shown:
        shown.shows("2 running")
        shown.press(b"qy")
        assert shown.ends() == 0
        shown.shows("pmtui: 2 processes stopped in ")


def test_a_manager_that_ends_before_the_dashboard_is_there_ends_it(tmp_path: Path) -> None:
    shown = PseudoTerminal(tmp_path, SLEEPERS, program=(sys.executable, "-c", ENDED_BEFORE_THE_DASHBOARD + START))
    try:
        assert shown.ends() == 0
        shown.shows("pmtui: 2 processes stopped in ")
    finally:
        shown.close()


def test_a_line_is_printed_to_the_end_if_the_terminal_reads_slowly() -> None:
    master, slave = pty.openpty()
    printing = subprocess.Popen([sys.executable, "-c", LONG_LINE], stdout=slave)
    os.close(slave)
    printed = b""
    with suppress(OSError):  # the other end is closed
        while data := os.read(master, 1000):
            printed += data
    assert printing.wait(DEADLINE) == 0
    assert printed == b"x" * 100_000 + b"\r\n"
    os.close(master)


def test_a_terminal_takes_output_until_it_is_full_or_closed() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(slave, False)
    terminal = Terminal(None, slave, slave)
    assert terminal.takes_output()
    with suppress(BlockingIOError):
        while True:
            os.write(slave, bytes(1000))
    assert not terminal.takes_output()
    os.read(master, 1 << 16)
    eventually(terminal.takes_output)
    os.close(master)
    eventually(lambda: not terminal.takes_output())
    os.close(slave)


def test_a_signal_that_comes_before_the_dashboard_can_act_on_it_ends_it(tmp_path: Path) -> None:
    shown = PseudoTerminal(tmp_path, SLEEPERS, program=(sys.executable, "-c", SIGNALLED_BEFORE_THE_DASHBOARD + START))
    try:
        assert shown.ends() == 0
        assert workers(tmp_path) == []
    finally:
        shown.close()
