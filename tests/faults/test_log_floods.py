"""Processes that write far too much, or end in the middle of a line."""

import resource
from pathlib import Path

import pytest

from tests.eventually import ends_with, eventually
from tests.running import Running, running

MEGABYTE = 1 << 20
FLOOD = 150 * MEGABYTE
BOUND = 250 * MEGABYTE
"""Resident memory of a manager, whatever its processes write."""
QUIET = {"id": "quiet", "command": "while sleep 0.1; do echo still here; done", "shell": True}


def figure(manager: Running, name: str) -> float:
    """Return the value of a metric."""
    lines = manager.fetch("GET", "/metrics")[1].decode().splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).rsplit(" ", 1)[1])


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def written(manager: Running) -> float:
    """Return the bytes written so far, while the output continues."""
    assert resident(manager.pid) < BOUND
    assert manager.list()
    return figure(manager, 'pmtui_process_log_bytes_total{id="flood"}')


def test_an_endless_line_is_cut_and_memory_stays_bounded(tmp_path: Path) -> None:
    """150 MB without a newline: they become lines of 64 KiB without loss, and the manager stays small and answers."""
    command = f"head -c {FLOOD} /dev/zero | tr '\\0' x; echo END; sleep 600"
    flood = {"id": "flood", "command": command, "shell": True, "log": {"maxSize": "1G"}}
    with running(tmp_path, [flood, QUIET]) as manager:
        manager.wait_running(["flood", "quiet"])
        eventually(lambda: written(manager) >= FLOOD, within=150)
        log = manager.data / "logs/flood-stdout.log"
        eventually(lambda: ends_with(log, b"END\n"))
        lines = log.read_bytes().splitlines()
        assert max(map(len, lines)) < 65 * 1024
        assert sum(line.count(b"x") for line in lines) == FLOOD
        assert manager.row("quiet")["status"] == "running"


def test_bulk_output_is_rotated_and_hides_no_other_process(tmp_path: Path) -> None:
    """150 MB of lines as fast as possible: six files of 10 MB are left, with lines without a gap; meanwhile the API
    answers, and another process is logged and can be restarted."""
    flood = {"id": "flood", "command": "seq 1000000000 1012000000; sleep 600", "shell": True}
    with running(tmp_path, [flood | {"log": {"timestamps": False}}, QUIET]) as manager:
        pid = manager.wait_running(["flood", "quiet"])["quiet"]
        assert manager.post("/api/pm/quiet/restart?wait=true")[0] == 200
        assert manager.row("quiet")["pid"] != pid
        eventually(lambda: [line["text"] for line in manager.get("/api/pm/quiet/logs?lines=1")[1]] == ["still here"])
        eventually(lambda: written(manager) == 12_000_001 * 11, within=150)
        logs = manager.data / "logs"
        eventually(lambda: ends_with(logs / "flood-stdout.log", b"1012000000\n"))
        files = [*sorted(logs.glob("flood-stdout-*.log"), key=first_number), logs / "flood-stdout.log"]
        assert len(files) == 6
        assert all(9 * MEGABYTE < file.stat().st_size <= 10 * MEGABYTE for file in files[:-1])
        numbers = [int(line) for file in files for line in file.read_bytes().splitlines()]
        assert numbers == [*range(numbers[0], 1_012_000_001)]
        assert manager.stop() == 0
        assert "lines not shown here (output rate limit)" in manager.log  # all of it is written now


def first_number(path: Path) -> int:
    with path.open("rb") as file:
        return int(file.readline())


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_last_line_of_a_crash_needs_no_newline(tmp_path: Path, stream: str) -> None:
    """A process dies of SIGKILL in the middle of a line: the part it wrote is in the API, in the file and in the report
    of the exit."""
    redirect = "exec >&2; " if stream == "stderr" else ""
    command = f"{redirect}echo first; printf 'half a li'; kill -9 $$"
    half = {"id": "half", "command": command, "shell": True, "maxRetries": 0}
    with running(tmp_path, [half]) as manager:
        manager.wait_until_served()
        eventually(lambda: manager.row("half")["status"] == "failed")
        lines = manager.get("/api/pm/half/logs")[1]
        assert [(line["stream"], line["text"]) for line in lines] == [(stream, "first"), (stream, "half a li")]
        log = manager.data / f"logs/half-{stream}.log"
        eventually(lambda: ends_with(log, b"Z half a li\n"))
        assert manager.get("/api/pm/half")[1]["exits"][-1]["lines"] == ["first", "half a li"]
