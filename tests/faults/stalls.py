"""Run tests in Python processes that stall at random: `python -m tests.faults.stalls SCALE [PYTEST ARGUMENT …]`.

Turns of the event loop, starts of threads and programs, and calls such as os.read, os.kill and os.replace take up to 60
to 300 ms longer now and then, times SCALE: in the tests, in the managers and guardians that they start, and in their
Python processes. What relies on something being done "by now" fails. Tests of what is imported, or of hard limits, fail
as well.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SCALE = "STALLS"
DICE = random.Random()  # tests may seed the one that all share
CALLS: Mapping[str, tuple[float, float]] = {
    "read": (0.01, 0.03),
    "write": (0.01, 0.03),
    "readv": (0.02, 0.05),
    "writev": (0.02, 0.05),
    "kill": (0.1, 0.05),
    "replace": (0.2, 0.1),
    "waitpid": (0.05, 0.05),
    "waitid": (0.05, 0.05),
}
"""Functions of `os`: how often each stalls, and for how many seconds at most."""
LOOP, THREAD, START = (0.03, 0.06), (0.3, 0.1), (0.3, 0.3)


def install() -> None:
    """Make this process stall."""
    if SCALE not in os.environ:
        return
    stall(*START)
    for name, (chance, longest) in CALLS.items():
        setattr(os, name, stalling(getattr(os, name), chance, longest))
    threading.Thread.run = stalling(threading.Thread.run, *THREAD)  # type: ignore[method-assign]
    asyncio.BaseEventLoop._run_once = stalling(asyncio.BaseEventLoop._run_once, *LOOP)  # type: ignore[attr-defined]


def stalling(function: Callable[..., Any], chance: float, longest: float) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        stall(chance, longest)
        return function(*args, **kwargs)

    return call


def stall(chance: float, longest: float) -> None:
    if DICE.random() < chance:
        time.sleep(DICE.random() * longest * float(os.environ[SCALE]))


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="stalls-") as folder:
        hook = Path(__file__).read_text() + "\n\ninstall()\n"
        (Path(folder) / "sitecustomize.py").write_text(hook)
        environment = os.environ | {SCALE: sys.argv[1], "PYTHONPATH": folder}
        return subprocess.call([sys.executable, "-m", "pytest", *sys.argv[2:]], env=environment)


if __name__ == "__main__":
    sys.exit(main())
