"""Terminals that are resized endlessly, closed or taken away, and the signals that come with that."""

import os
import signal
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.dashboard.terminal import OWN_SESSION, SLEEPERS, START, PseudoTerminal, terminal, workers
from tests.eventually import eventually, is_alive, is_stopped
from tests.running import running

HANGUP_IGNORED = (*OWN_SESSION, "sh", "-c", "trap '' HUP; exec \"$@\"", "sh")
INTERRUPTED = """
import os
from textual.drivers._writer_thread import WriterThread

write = WriterThread.write

def interrupted(self, text):
    if os.path.exists("now"):
        os.remove("now")
        with self._queue.mutex:
            os.kill(os.getpid(), {:d})
    write(self, text)

WriterThread.write = interrupted
"""
"""Makes a signal come in the midst of a write once there is a file `now`."""
FAILING = """
from pmtui.dashboard.app import DashboardApp

DashboardApp.manager_ended = lambda self: self._call_threadsafe(lambda: self.panic("failed"))
"""
"""Makes the dashboard end with a report of an error."""
NEVER_TOLD = ()
"""In a session that has another terminal or none: nobody is sent a signal when this one is closed."""


@contextmanager
def dashboard(folder: Path, within: Sequence[str] = OWN_SESSION) -> Iterator[PseudoTerminal]:
    """A dashboard that has drawn its first screen, and whose two processes run."""
    with terminal(folder, within=within) as shown:
        eventually(lambda: len(workers(folder)) == 2)
        yield shown


def draws(shown: PseudoTerminal) -> None:
    """Wait until a whole screen has been drawn from now on, on a terminal that is large enough."""
    shown.forget()
    shown.resize(90, 24)
    shown.resize(100, 30)
    shown.shows("Quit")


def test_five_hundred_resizes_are_survived(tmp_path: Path) -> None:
    """The window is resized 500 times in a row, down to one cell and to none: the processes run on, and at a proper
    size everything is redrawn."""
    with dashboard(tmp_path) as shown:
        before = workers(tmp_path)
        for number in range(500):
            shown.resize(number * 37 % 200, number * 23 % 60)
        for size in (1, 0, 1):
            shown.resize(size, size)
        draws(shown)
        assert workers(tmp_path) == before
        shown.process.terminate()
        assert shown.ends() == 0
        eventually(shown.is_restored)


def test_a_terminal_that_returns_to_its_size_is_redrawn(tmp_path: Path) -> None:
    """It was small for too short a time to be noticed, but has lost its contents."""
    with dashboard(tmp_path) as shown:
        eventually(lambda: draws_no_keys(shown))
        shown.resize(100, 30)
        shown.shows("Quit")


def draws_no_keys(shown: PseudoTerminal) -> bool:
    """Return whether the first screens are complete: from then on only figures change."""
    shown.forget()
    shown.shows("up ")
    time.sleep(1)
    return "Quit" not in shown.text


@pytest.mark.parametrize("size", [(0, 0), (1, 1)])
def test_it_starts_in_a_tiny_terminal(tmp_path: Path, size: tuple[int, int]) -> None:
    """A terminal that reports no size, or has one cell: the processes are started, and the screen is drawn as soon as
    there is room."""
    shown = PseudoTerminal(tmp_path, SLEEPERS, size=size)
    try:
        eventually(lambda: len(workers(tmp_path)) == 2)
        eventually(lambda: b"\x1b[?1049h" in shown.output)
        draws(shown)
        shown.process.terminate()
        assert shown.ends() == 0
        assert workers(tmp_path) == []
    finally:
        shown.close()


def test_keys_typed_before_the_first_screen_end_nothing(tmp_path: Path) -> None:
    """They are read before the dashboard has a screen that they could be for."""
    (tmp_path / "pmtui.toml").write_text(SLEEPERS)
    shown = PseudoTerminal(tmp_path, None)
    try:
        shown.press(b"\x1b[B?")
        shown.shows("Quit")
        eventually(lambda: len(workers(tmp_path)) == 2)
        shown.press(b"?")
        shown.shows("Keys")
        shown.process.terminate()
        assert shown.ends() == 0, shown.text[-3000:]
        eventually(shown.is_restored)
    finally:
        shown.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_signals_end_everything_and_restore_the_terminal(tmp_path: Path, number: signal.Signals) -> None:
    """Every signal that would kill a program is a graceful end: no process is left, and the terminal is restored."""
    with dashboard(tmp_path) as shown:
        shown.process.send_signal(number)
        assert shown.ends() == 0
        assert workers(tmp_path) == []
        eventually(shown.is_restored)


@pytest.mark.parametrize(
    "within", [OWN_SESSION, HANGUP_IGNORED, NEVER_TOLD], ids=["hangup", "hangup ignored", "never told"]
)
def test_a_closed_window_ends_everything(tmp_path: Path, within: Sequence[str]) -> None:
    """The window is closed: a graceful end, even if SIGHUP was ignored from the start (`nohup`) or is not sent, and
    never a busy loop on a terminal that is gone."""
    with dashboard(tmp_path, within) as shown:
        shown.hang_up()
        assert shown.ends() == 0
        assert workers(tmp_path) == []


def test_a_window_closed_while_suspended_ends_everything(tmp_path: Path) -> None:
    """The window is closed while the dashboard is suspended, with an unread key: it ends once it is continued."""
    with dashboard(tmp_path) as shown:
        shown.press(b"\x1b[6~")
        os.kill(shown.process.pid, signal.SIGSTOP)
        shown.hang_up()
        os.kill(shown.process.pid, signal.SIGCONT)
        assert shown.ends() == 0
        assert workers(tmp_path) == []


def test_an_error_that_a_closed_terminal_cannot_show_leaves_the_exit_code_alone(tmp_path: Path) -> None:
    """Python exits with code 120 if it cannot write at exit what is still buffered."""
    shown = PseudoTerminal(tmp_path, SLEEPERS, program=(sys.executable, "-c", FAILING + START))
    try:
        shown.shows("Quit")
        shown.hang_up()
        assert shown.ends() == 0
        eventually(lambda: workers(tmp_path) == [])
    finally:
        shown.close()


@pytest.mark.parametrize("within", [OWN_SESSION, NEVER_TOLD], ids=["hangup", "never told"])
def test_a_closed_window_of_an_attached_dashboard_ends_only_that(tmp_path: Path, within: Sequence[str]) -> None:
    """The window of `pmtui attach` is closed: it ends, and the manager and its processes run on."""
    with running(tmp_path, [{"id": "a", "command": "sleep 600"}]) as manager:
        pids = manager.wait_running(["a"])
        shown = PseudoTerminal(tmp_path, None, words=("attach",), within=within)
        try:
            shown.shows("1 running")
            shown.hang_up()
            assert shown.ends() == 0
            assert manager.wait_running(["a"]) == pids
        finally:
            shown.close()


def test_suspending_restores_the_terminal_and_continuing_redraws(tmp_path: Path) -> None:
    """SIGTSTP and SIGCONT: the terminal is restored while it is suspended, the processes run on, and then it is
    redrawn."""
    with dashboard(tmp_path) as shown:
        before = workers(tmp_path)
        shown.process.send_signal(signal.SIGTSTP)
        eventually(lambda: is_stopped(shown.process.pid))
        assert shown.attributes() == shown.before
        eventually(lambda: b"\x1b[?1049l" in shown.output)
        assert all(is_alive(pid) for pid in before)
        shown.forget()
        shown.process.send_signal(signal.SIGCONT)
        shown.shows("Quit")
        eventually(lambda: shown.attributes() != shown.before)
        shown.process.terminate()
        assert shown.ends() == 0
        assert workers(tmp_path) == []
        eventually(shown.is_restored)


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGCONT])
def test_suspending_during_a_write_waits_for_no_lock(tmp_path: Path, number: signal.Signals) -> None:
    """The signal arrives while the output lock is held for drawing."""
    shown = PseudoTerminal(tmp_path, SLEEPERS, program=(sys.executable, "-c", INTERRUPTED.format(number) + START))
    try:
        shown.shows("Quit")
        shown.forget()
        (tmp_path / "now").touch()
        if number == signal.SIGTSTP:
            eventually(lambda: is_stopped(shown.process.pid))
            shown.process.send_signal(signal.SIGCONT)
        shown.shows("Quit")
        shown.process.terminate()
        assert shown.ends() == 0
        eventually(shown.is_restored)
    finally:
        shown.close()


def test_continuing_after_sigstop_redraws(tmp_path: Path) -> None:
    """SIGSTOP cannot be handled, and the terminal is reset meanwhile: SIGCONT restores everything."""
    with dashboard(tmp_path) as shown:
        shown.process.send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(shown.process.pid))
        termios.tcsetattr(shown._slave, termios.TCSANOW, shown.before)
        shown.forget()
        shown.process.send_signal(signal.SIGCONT)
        shown.shows("Quit")
        eventually(lambda: shown.attributes() != shown.before)
        shown.process.terminate()
        assert shown.ends() == 0
        eventually(shown.is_restored)
