"""Signals that end the manager: twice, too early, or ignored or blocked when it was started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pmtui.runtime.exit_signals import SAME_SIGNAL_INTERVAL
from tests.eventually import DEADLINE, eventually, is_alive
from tests.running import Running, running

SLEEP = {"id": "a", "command": "sleep 600"}
DEAF = {
    "id": "a",
    "command": "trap '' TERM INT; echo ready; while :; do sleep 0.1; done",
    "shell": True,
    "stopTimeout": 600,
}
BEFORE = "import os, signal, sys; {}; os.execvp(sys.argv[1], sys.argv[1:])"


def after(code: str) -> list[str]:
    """Return the words that run a command after a line of Python."""
    return [sys.executable, "-c", BEFORE.format(code)]


def marked(folder: Path) -> list[int]:
    """Return the processes that inherited the mark with which the directory's manager was started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"MARK={folder}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:  # gone, or not ours
            continue
    return [pid for pid in found if is_alive(pid)]


@pytest.mark.parametrize("second", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("first", ["SIGTERM", "SIGINT"])
def test_a_second_signal_kills_everything_at_once(tmp_path: Path, first: str, second: str) -> None:
    """The first waits for processes that have ten minutes, the second kills them; the exit code is that of a requested
    end."""
    with running(tmp_path, [DEAF]) as manager:
        pid = manager.wait_running(["a"])["a"]
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        manager.process.send_signal(signal.Signals[first])
        eventually(lambda: f"{first}: stopping all processes" in manager.log)
        time.sleep(SAME_SIGNAL_INTERVAL)
        assert is_alive(pid)
        manager.process.send_signal(signal.Signals[second])
        assert manager.process.wait(DEADLINE) == 0
        assert f"{second} again: killing what is left" in manager.log
        assert not is_alive(pid)


def test_two_signals_at_once_are_one(tmp_path: Path) -> None:
    """A wrapper passes on the signal that the terminal has sent to both: the stop stays graceful."""
    slow = "trap 'sleep 1; echo clean; exit' TERM; echo ready; while :; do sleep 0.02; done"
    with running(tmp_path, [{"id": "a", "command": slow, "shell": True, "stopTimeout": 600}]) as manager:
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        with manager.suspended():  # it gets both at the same moment
            manager.process.send_signal(signal.SIGINT)
            manager.process.send_signal(signal.SIGTERM)
        assert manager.process.wait(DEADLINE) == 0
        assert "[a][STDOUT] clean" in manager.log
        assert "killing what is left" not in manager.log


STAGES: dict[str, Any] = {
    "data folder": lambda manager: manager.data.exists(),
    "lock": lambda manager: (manager.data / "lock").exists(),
    "state": lambda manager: (manager.data / "state.json").exists(),
    "published": lambda manager: (manager.data / "instance.json").exists(),
    "first process": lambda manager: "a starting" in manager.log,
    "last process": lambda manager: "p19 running" in manager.log,
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_signal_during_startup_is_a_graceful_stop(tmp_path: Path, stage: str) -> None:
    """At any stage the exit code is 0, and nothing is left of what it has started."""
    config = [SLEEP, *(SLEEP | {"id": f"p{number}"} for number in range(20))]
    with running(tmp_path, config, env={"MARK": str(tmp_path)}) as manager:
        eventually(lambda: STAGES[stage](manager))
        assert manager.stop() == 0, manager.log
        assert marked(tmp_path) == []


def test_a_signal_at_any_moment_leaves_no_process(tmp_path: Path) -> None:
    """SIGTERM at ever later moments, including those before it handles signals, when the signal kills it: nothing is
    left in either case."""
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        with running(folder, [SLEEP], env={"MARK": str(folder)}) as manager:
            with_delay(manager, 0.02 * number)
            assert manager.stop() in (0, -signal.SIGTERM), manager.log
            eventually(lambda: marked(folder) == [])  # noqa: B023
            assert "Traceback" not in manager.log


def with_delay(manager: Running, seconds: float) -> None:
    """Wait for so many seconds of the manager's life, or until it is up."""
    try:
        manager.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


STATUS = {"id": "a", "command": "grep -E 'Sig(Blk|Ign)|ShdPnd' /proc/self/status; exec sleep 600", "shell": True}
INHERITED = {
    "ignored by nohup": "signal.signal(signal.SIGHUP, signal.SIG_IGN)",
    "ignored in the background of a script": "[signal.signal(n, signal.SIG_IGN) for n in (2, 3)]",
    "all ignored": "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 10, 12, 13, 14, 15, 17, 20, 21, 22)]",
    "all blocked": "signal.pthread_sigmask(signal.SIG_SETMASK, range(1, 65))",
}


@pytest.mark.parametrize("how", INHERITED)
def test_processes_start_with_default_signals_whatever_the_manager_inherited(tmp_path: Path, how: str) -> None:
    """Nothing is ignored or blocked, and the manager itself still handles SIGHUP and SIGTERM."""
    with running(tmp_path, [STATUS], within=after(INHERITED[how])) as manager:
        pid = manager.wait_running(["a"])["a"]
        for name in ("SigBlk", "SigIgn"):
            eventually(lambda: f"[a][STDOUT] {name}:\t{0:016x}\n" in manager.log)  # noqa: B023
        os.kill(manager.pid, signal.SIGHUP)
        eventually(lambda: "reload: 0 added, 0 removed, 0 changed, 1 unchanged" in manager.log)
        assert manager.stop() == 0
        assert not is_alive(pid)


def test_sigint_is_handled_even_if_it_was_ignored(tmp_path: Path) -> None:
    """A shell without job control starts background jobs with SIGINT ignored; the manager installs a handler."""
    with running(tmp_path, [SLEEP], within=after("signal.signal(2, signal.SIG_IGN)")) as manager:
        manager.wait_running(["a"])
        manager.process.send_signal(signal.SIGINT)
        assert manager.process.wait(DEADLINE) == 0
