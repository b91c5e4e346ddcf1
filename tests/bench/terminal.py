"""What terminals cost: `python -m tests.bench.terminal`. Prints each figure beside its limit; exit code 1 above one.

Keys are timed from the write to the dashboard's terminal until the process has read them, beside a bare pseudo-terminal
in the same run. A flood is `yes`, first through a pipe.
"""

import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.heart import Table, cpu_seconds
from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import eventually
from tests.running import running

KEYS = 200
KEY_PAUSE = 0.05
FLOOD_TIME = 10.0
CONFIG = """
[process.a]
command = '%s'
args = ['-c', '''%s''', %s]
tty = true
log = { file = false }
"""
READER = """
import os, subprocess, sys, time, tty
tty.setraw(0)
log = open(sys.argv[1], "ab", buffering=0)
if len(sys.argv) > 2:
    subprocess.Popen(["yes"])
os.write(1, b"READY")
while key := os.read(0, 1):
    log.write(b"%d\\n" % time.monotonic_ns())
"""


def latencies(press: Callable[[bytes], object], log: Path) -> list[float]:
    """Milliseconds until the process has read each of many keys."""
    pressed = []
    for number in range(KEYS):
        pressed.append(time.monotonic_ns())
        press(b"k")
        eventually(partial(has_read, log, number + 1))
        time.sleep(KEY_PAUSE)
    read = [int(line) for line in log.read_bytes().split()]
    return sorted((arrived - at) / 1e6 for at, arrived in zip(pressed, read, strict=True))


def has_read(log: Path, count: int) -> bool:
    return log.exists() and log.read_bytes().count(b"\n") >= count


def p95(figures: list[float]) -> float:
    return figures[int(len(figures) * 0.95)]


def bare(folder: Path) -> list[float]:
    master, slave = pty.openpty()
    log = folder / "bare.log"
    command = [sys.executable, "-c", READER, str(log)]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as process:
        time.sleep(1)
        found = latencies(partial(os.write, master), log)
        process.kill()
    os.close(master)
    os.close(slave)
    return found


def reader(log: Path, *flood: str) -> dict[str, object]:
    arguments = ["-c", READER, str(log), *flood]
    return {"id": "a", "command": sys.executable, "args": arguments, "tty": True, "log": {"file": False}}


@contextmanager
def looking(folder: Path, entry: Mapping[str, object]) -> Iterator[tuple[Any, PseudoTerminal]]:
    """A manager, and a dashboard attached to it that shows the terminal of the process."""
    with running(folder, [entry]) as manager:
        manager.wait_running(["a"])
        shown = PseudoTerminal(folder, None, "attach", words=(), size=(80, 24))
        try:
            shown.shows("Detach")
            shown.shows("running")
            shown.press(b"i")
            shown.shows("keys go to the process")
            time.sleep(2)
            yield manager, shown
        finally:
            shown.close()


@contextmanager
def owning(folder: Path, log: Path, *flood: str) -> Iterator[PseudoTerminal]:
    """A dashboard with its own manager that shows the terminal of the process."""
    folder.mkdir()
    words = ", ".join(f"'{word}'" for word in (log, *flood))
    shown = PseudoTerminal(folder, CONFIG % (sys.executable, READER, words), size=(80, 24))
    try:
        shown.shows("Quit")
        shown.shows("running")
        shown.press(b"i")
        shown.shows("keys go to the process")
        time.sleep(2)
        yield shown
    finally:
        shown.close()


def keys(table: Table, folder: Path) -> None:
    without = bare(folder)
    print(f"{'  a key through a bare pseudo-terminal, p95':52} {p95(without):9.2f} ms")
    log = folder / "keys.log"
    with owning(folder / "own", log) as shown:
        taken = latencies(shown.press, log)
        print(f"{'  a key through the dashboard, p50':52} {statistics.median(taken):9.2f} ms")
        table.row("a key through the dashboard, p95", p95(taken), 20, "ms")
    with looking(folder, reader(folder / "attached.log")) as (_, shown):
        table.row(
            "a key through an attached dashboard, p95", p95(latencies(shown.press, folder / "attached.log")), 30, "ms"
        )


def flood(table: Table, folder: Path) -> None:
    costs = {name: flood_cost(folder, tty) for name, tty in (("pipe", False), ("terminal", True))}
    for name, cost in costs.items():
        print(f"{f'  yes through a {name}: CPU of the manager':52} {cost:9.1f} %")
    table.row("yes through a terminal, in parts of a pipe", costs["terminal"] / costs["pipe"], 1.3, "")


def flood_cost(folder: Path, tty: bool) -> float:
    """Percent of a core."""
    with running(folder, [{"id": "a", "command": "yes", "tty": tty}]) as manager:
        manager.wait_running(["a"])
        time.sleep(2)
        return share([manager.pid, manager.guardian])


def share(pids: list[int]) -> float:
    before, started = sum(map(cpu_seconds, pids)), time.monotonic()
    time.sleep(FLOOD_TIME)
    return (sum(map(cpu_seconds, pids)) - before) / (time.monotonic() - started) * 100


def looked_at(table: Table, folder: Path) -> None:
    log = folder / "flood.log"
    with looking(folder, reader(log, "flood")) as (_, shown):
        table.row("a flood that is looked at: CPU of the dashboard", share([shown.process.pid]), 25, "%")
        table.row("a key beside it, attached, p95", p95(latencies(shown.press, log)), 30, "ms")
    log = folder / "own-flood.log"
    with owning(folder / "flood", log, "flood") as shown:
        print(f"{'  the same with its own manager: CPU of both':52} {share([shown.process.pid]):9.1f} %")
        table.row("a key beside it, p95", p95(latencies(shown.press, log)), 30, "ms")


def main() -> int:
    table = Table()
    with tempfile.TemporaryDirectory(prefix="terminal-") as name:
        for part in (keys, flood, looked_at):
            part(table, Path(name))
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
