"""What chosen ports cost at the start: `python -m tests.bench.ports [COUNT]`.

Starts 200 processes with `port = "auto"` and without, in turn, and prints the seconds until all run. Exit code 1 if
those with ports take more than 1.15 times as long.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.heart import moment, sleepers
from tests.eventually import eventually
from tests.running import running

COUNT = 200
ROUNDS = 5
LIMIT = 1.15


def launch(count: int, **fields: Any) -> float:
    """Return the seconds from the launch of the manager until all processes run."""
    with tempfile.TemporaryDirectory(prefix="ports-") as name:
        launched = time.time()
        with running(Path(name), [one | fields for one in sleepers(count)]) as manager:
            manager.wait_until_served()
            eventually(lambda: sum(row["status"] == "running" for row in manager.list()) == count)
            assert all(bool(row["ports"]) == bool(fields) for row in manager.list())
            return max(moment(row["startTime"]) for row in manager.list()) - launched


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    pairs = [(launch(count), launch(count, port="auto")) for _ in range(ROUNDS)]
    without, chosen = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = chosen / without
    print(f"{count} processes: {without:.3f} s without ports, {chosen:.3f} s with: {ratio:.2f} (limit {LIMIT})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
