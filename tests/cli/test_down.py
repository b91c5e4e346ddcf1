"""`pmtui down`."""

import signal
import subprocess
import time
from pathlib import Path

from tests.cli.shell import CLEAN, pmtui
from tests.eventually import DEADLINE, eventually, is_alive
from tests.managed import STUBBORN
from tests.running import PMTUI, Running, running


def test_everything_has_ended_when_it_returns(own: Running) -> None:
    pids, guardian = [own.pid, *own.wait_running(["web-1", "web-2", "talker"]).values()], own.guardian
    done = pmtui(own.folder, "down")
    assert (done.returncode, done.stdout) == (0, f"stopped the manager (pid {own.pid}) and all its processes\n")
    assert not any(map(is_alive, pids))
    eventually(lambda: not is_alive(guardian))  # it frees the lock as the last thing, while it ends
    assert pmtui(own.folder, "down").returncode == 3


def test_now_kills_what_ignores_signals(tmp_path: Path) -> None:
    with running(tmp_path, [{"id": "s", "command": STUBBORN, "shell": True, "stopTimeout": "10m"}]) as manager:
        manager.wait_running(["s"])
        eventually(lambda: "[s][STDOUT] ready" in manager.log)
        assert pmtui(tmp_path, "down", "--now").returncode == 0


def test_now_kills_also_if_a_busy_manager_gets_both_signals_as_one(tmp_path: Path) -> None:
    with running(tmp_path, [{"id": "s", "command": STUBBORN, "shell": True, "stopTimeout": "10m"}]) as manager:
        manager.wait_running(["s"])
        eventually(lambda: "[s][STDOUT] ready" in manager.log)
        manager.process.send_signal(signal.SIGSTOP)
        down = subprocess.Popen([*PMTUI, "down", "--now"], cwd=tmp_path, env=CLEAN)
        try:
            eventually(lambda: is_pending(manager.pid, signal.SIGTERM))
            time.sleep(1)  # for the second one
            manager.process.send_signal(signal.SIGCONT)
            assert down.wait(DEADLINE) == 0
        finally:
            down.kill()
            down.wait()
            manager.process.kill()


def is_pending(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_a_url_is_refused(house: Running) -> None:
    assert pmtui(house.folder, "down", "--url", "http://127.0.0.1:9615").returncode == 2
