"""What the dashboard costs, manager and guardian included. `python -m tests.bench.dashboard_cost [case …]`.

first-frame   50 processes: seconds from the command to the first picture with all of them running
trickle       20 processes, 1 line a second each, 160x48: percent of a core and MB of RSS over 20 s
stream        the same with 100 lines a second each
rows          200 processes, one of them with 1,000 and then 50,000 lines a second in the pane
keys          the same flood: milliseconds from a key to the picture that answers it
stall         a terminal that does not read for 6 s: the longest pause between two restarts of a crashing process
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import eventually

WRITER = """
import sys, time
rate, number, begin = int(sys.argv[1]), 0, time.monotonic()
chunk = max(1, rate // 100)
while True:
    sys.stdout.write("".join(f"INFO {n} the quick brown fox jumps over a lazy dog 012345\\n" for n in range(chunk)))
    sys.stdout.flush()
    number += chunk
    time.sleep(max(0, begin + number / rate - time.monotonic()))
"""


def config(count: int, rate: int, first_rate: int | None = None) -> str:
    lines = []
    for number in range(count):
        own = first_rate if number == 0 and first_rate is not None else rate
        command = f"{sys.executable} -S writer.py {own}" if own else "sleep 1000"
        lines.append(f'[process.worker-{number:03}]\ncommand = "{command}"\n')
    return "".join(lines)


@contextmanager
def dashboard(text: str, size: tuple[int, int] = (160, 48)) -> Iterator[PseudoTerminal]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "writer.py").write_text(WRITER)
        shown = PseudoTerminal(folder, text, size=size)
        try:
            yield shown
        finally:
            shown.process.terminate()
            shown.ends()
            shown.close()


def own_processes(shown: PseudoTerminal) -> list[psutil.Process]:
    """Manager and guardian."""
    manager = psutil.Process(shown.process.pid)
    return [manager, *(child for child in manager.children() if "guardian" in " ".join(child.cmdline()))]


def cost(shown: PseudoTerminal, seconds: float) -> tuple[float, float]:
    """Percent of a core, and MB of RSS."""
    processes = own_processes(shown)

    def used() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    before, begin = used(), time.monotonic()
    pause(seconds)
    share = (used() - before) / (time.monotonic() - begin) * 100
    return share, sum(process.memory_info().rss for process in processes) / (1 << 20)


def pause(seconds: float) -> None:
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() > until, within=seconds + 5)


def first_frame() -> None:
    begin = time.monotonic()
    with dashboard(config(50, 0), (120, 60)) as shown:
        shown.shows("Quit")
        picture = time.monotonic() - begin
        shown.shows("50 running")
        print(f"first-frame: picture after {picture:.2f} s, all 50 running after {time.monotonic() - begin:.2f} s")


def twenty(name: str, rate: int) -> None:
    with dashboard(config(20, rate)) as shown:
        shown.shows("20 running")
        cost(shown, 3)
        share, rss = cost(shown, 20)
        print(f"{name}: {share:.1f} % of a core, {rss:.0f} MB")


def rows() -> None:
    for rate in (1_000, 50_000):
        with dashboard(config(200, 0, rate)) as shown:
            shown.shows("200 running")
            cost(shown, 3)
            share, rss = cost(shown, 10)
            print(f"rows: 200 processes, {rate} lines/s: {share:.1f} % of a core, {rss:.0f} MB")


def keys() -> None:
    with dashboard(config(200, 0, 50_000)) as shown:
        shown.shows("200 running")
        shown.press(b"j")
        cost(shown, 2)
        taken = []
        for number in range(40):
            shown.forget()
            begin = time.monotonic()
            shown.press(b"j" if number % 2 else b"k")
            while b"worker-00" not in shown.output:
                time.sleep(0.0002)
            taken.append((time.monotonic() - begin) * 1000)
            pause(0.13)
        taken.sort()
        print(f"keys: p50 {taken[20]:.1f} ms, p95 {taken[38]:.1f} ms from key to picture")


def stall() -> None:
    crash = (
        "[process.crasher]\ncommand = \"sh -c 'date +%s.%N >> starts; sleep 0.1; exit 1'\"\n"
        'maxRetries = -1\nbackoff = "50ms"\nmaxBackoff = "50ms"\n'
    )
    with dashboard(config(1, 50_000) + crash) as shown:
        shown.shows("running")
        cost(shown, 3)
        begin = time.time()
        shown.stall()
        cost(shown, 6)
        end = time.time()
        shown.read_on()
        starts = [float(line) for line in (shown.folder / "starts").read_text().split()]
        calm = longest([start for start in starts if start < begin])
        stalled = longest([start for start in starts if begin <= start <= end])
        print(
            f"stall: longest pause between restarts {calm * 1000:.0f} ms before, {stalled * 1000:.0f} ms while stalled"
        )


def longest(times: list[float]) -> float:
    return max(after - before for before, after in pairwise(times))


CASES: dict[str, Callable[[], None]] = {
    "first-frame": first_frame,
    "trickle": lambda: twenty("trickle", 1),
    "stream": lambda: twenty("stream", 100),
    "rows": rows,
    "keys": keys,
    "stall": stall,
}

if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        CASES[case]()
