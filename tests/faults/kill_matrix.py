"""Kill managers in every way and check that nothing is left: `python -m tests.faults.kill_matrix [REPETITIONS]` (100).

Each repetition starts a real manager with trees of four processes, some of which ignore SIGTERM, kills as the row says,
and checks for at most two seconds whether one of them is alive. Prints a table; the exit code is 1 if any was.
"""

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pmtui.spawner.process_tree import descendants
from tests.eventually import eventually, is_alive
from tests.running import Running, running

FAMILIES = 5
MANNERS = ("obedient", "stubborn")
ROLES = ("leader", "child", "session", "daemon")
LIMIT = 2.0
"""Seconds after which nobody may be alive."""
SCRIPT = Path(__file__).with_name("family.py")


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_manager(manager: Running) -> None:
    kill(manager.pid)


def kill_group(manager: Running) -> None:
    os.killpg(manager.pid, signal.SIGKILL)


def kill_by_name(manager: Running) -> None:
    """Kill what `pkill -9 -f pmtui` would match among the processes of this manager."""
    for pid in [manager.pid, *below(manager.pid)]:
        with contextlib.suppress(FileNotFoundError):  # gone with one that was killed before it
            if b"pmtui" in Path(f"/proc/{pid}/cmdline").read_bytes():
                kill(pid)


def kill_guardian(manager: Running) -> None:
    kill(manager.guardian)


def kill_both(manager: Running) -> None:
    """Kill manager and guardian at the same instant: the next start ends what is left."""
    guardian = manager.guardian
    os.kill(guardian, signal.SIGSTOP)
    kill(manager.pid)
    kill(guardian)
    manager.process.wait()
    with running(manager.folder, []) as successor:
        successor.wait_until_served()


def stop(manager: Running) -> None:
    assert manager.stop() == 0, manager.log


ROWS: dict[str, Callable[[Running], None]] = {
    "kill -9 manager": kill_manager,
    "kill -9 its process group": kill_group,
    "kill -9 all named pmtui": kill_by_name,
    "kill -9 guardian": kill_guardian,
    "kill -9 both, next start": kill_both,
    "SIGTERM": stop,
}


def below(pid: int) -> list[int]:
    """Return all descendants."""
    return descendants([pid])[1:]


def notes(folder: Path) -> list[Path]:
    return [folder / f"f{number}" / role for number in range(FAMILIES) for role in ROLES]


def once(row: str, limit: float = LIMIT) -> tuple[list[str], float]:
    """Return which processes were alive after the limit, and the seconds until all were gone."""
    with tempfile.TemporaryDirectory(prefix="matrix-") as name:
        folder = Path(name)
        for number in range(FAMILIES):
            (folder / f"f{number}").mkdir()
        config = [
            {
                "id": f"f{number}",
                "command": sys.executable,
                "args": ["-S", str(SCRIPT), str(folder / f"f{number}"), MANNERS[number % 2]],
                "restart": "never",
                "stopTimeout": "500ms",
            }
            for number in range(FAMILIES)
        ]
        with running(folder, config) as manager:
            manager.wait_until_served()
            eventually(lambda: all(note.exists() for note in notes(folder)))
            pids = {f"{note.parent.name}/{note.name}": int(note.read_text()) for note in notes(folder)}
            started = time.monotonic()
            ROWS[row](manager)
            while (
                left := [name for name, pid in pids.items() if is_alive(pid)]
            ) and time.monotonic() < started + limit:
                time.sleep(0.005)
            return left, time.monotonic() - started


def main(repetitions: int = 100) -> int:
    bad = 0
    for row in ROWS:
        outcomes = [once(row) for _ in range(repetitions)]
        left = [name for names, _ in outcomes for name in names]
        times = sorted(seconds for _, seconds in outcomes)
        bad += len(left)
        print(  # noqa: T201
            f"{row:26} {repetitions} x {FAMILIES * len(ROLES)} processes: {len(left)} alive after {LIMIT:.0f} s, "
            f"all gone in {times[len(times) // 2]:.3f} s (median), {times[-1]:.3f} s (worst)",
            flush=True,
        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
