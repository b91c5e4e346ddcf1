"""What PocketBase as the host costs and how fast it lets go: `python -m tests.bench.pocketbase`."""

import os
import shutil
import signal
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.eventually import eventually, is_alive
from tests.pocketbase.host import BINARY, SUPERUSER, PocketBase, plugin, pocketbase_command, serving, write_config

ROUNDS = 20
STUBBORN = "trap '' TERM; setsid sleep 600 & echo $! >> children; while :; do sleep 1; done"
WRITER = "for i in $(seq 50000); do echo line $i; done; touch done; exec sleep 600"


def main() -> None:
    assert BINARY
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "pocketbase").symlink_to(BINARY)
        pocketbase_command(folder, "superuser", "upsert", *SUPERUSER)
        plugin(folder, "install")
        print_times("PocketBase start without a config", [start_time(folder, []) for _ in range(3)])
        print_times("PocketBase start with 20 processes", [start_time(folder, sleepers(20)) for _ in range(3)])
        measure_list(folder)
        print_times(f"all gone after kill -9 ({ROUNDS} rounds)", [kill(folder) for _ in range(ROUNDS)])
        stand_still(folder)
    finally:
        shutil.rmtree(folder)


def sleepers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"sleeper-{number}", "command": "sleep 600"} for number in range(count)]


def start_time(folder: Path, config: list[dict[str, Any]]) -> float:
    (folder / "pb_processes.json").unlink(missing_ok=True)
    if config:
        write_config(folder, config)
    began = time.perf_counter()
    with serving(folder):
        return time.perf_counter() - began


def measure_list(folder: Path) -> None:
    write_config(folder, sleepers(20))
    with serving(folder) as pocketbase:
        pocketbase.wait_running(*(row["id"] for row in sleepers(20)))
        seconds = []
        for _ in range(100):
            began = time.perf_counter()
            assert len(pocketbase.rows()) == 20
            seconds.append(time.perf_counter() - began)
        print_times("GET /api/pm/list through PocketBase, 20 processes", seconds)


def kill(folder: Path) -> float:
    write_config(folder, [*sleepers(3), {"id": "stubborn", "shell": True, "command": STUBBORN}])
    (folder / "children").unlink(missing_ok=True)
    pocketbase = PocketBase(folder).wait_until_served()
    pids = [*pocketbase.wait_running("sleeper-0", "sleeper-1", "sleeper-2", "stubborn").values(), pocketbase.manager]
    pids.append(int(eventually(lambda: (folder / "children").read_text())))
    began = time.perf_counter()
    pocketbase.process.kill()
    pocketbase.process.wait()
    eventually(lambda: not any(map(is_alive, pids)))
    return time.perf_counter() - began


def stand_still(folder: Path) -> None:
    write_config(
        folder, [{"id": "writer", "shell": True, "command": f"while [ ! -e go ]; do sleep 0.1; done; {WRITER}"}]
    )
    with serving(folder) as pocketbase:
        pocketbase.wait_running("writer")
        os.kill(pocketbase.pid, signal.SIGSTOP)
        (folder / "go").touch()
        began = time.perf_counter()
        eventually((folder / "done").exists)
        took = time.perf_counter() - began
        time.sleep(max(10 - took, 0))
        lines = (folder / ".pmtui" / "logs" / "writer-stdout.log").read_text().count("\n")
        os.kill(pocketbase.pid, signal.SIGCONT)
        print(f"PocketBase stopped for 10 s: 50,000 lines written in {took:.2f} s, {lines} in the file")
        eventually(lambda: pocketbase.logged("lines more are in"))
        print("\n".join(record["message"] for record in pocketbase.logged("lines more are in")))


def print_times(name: str, seconds: list[float]) -> None:
    median, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
    print(f"{name}: median {median:.1f} ms, worst {worst:.1f} ms")


if __name__ == "__main__":
    main()
