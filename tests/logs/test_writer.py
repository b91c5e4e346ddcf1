import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.control import LogProblem
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.files.log_file import LineBatch, LogFile
from pmtui.logs.store import LogStore
from pmtui.text.timestamps import now_ms, rfc3339
from tests.eventually import DEADLINE, ends_with, eventually_async
from tests.logs.support import BARE, fed, pipe, start


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "pmtui-test", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


class Disk:
    """A disk that can be stalled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moves = threading.Event()
        self.moves.set()
        write = LogFile.write

        def wait_and_write(file: LogFile, batch: Sequence[LineBatch]) -> None:
            self.moves.wait(DEADLINE)
            write(file, batch)

        monkeypatch.setattr(LogFile, "write", wait_and_write)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    monkeypatch.setattr("pmtui.logs.files.writer.MAX_BUFFERED_BYTES", 100_000)
    monkeypatch.setattr("pmtui.logs.files.writer.MAX_STALLED_BYTES", 400_000)
    disk = Disk(monkeypatch)
    yield disk
    disk.moves.set()


async def test_a_full_disk_costs_lines_and_nothing_else(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pmtui.logs.files.log_file.RETRY_DELAY", 0.1)
    store, pipe_reader = LogStore(small_disk / "logs"), PipeReader(asyncio.get_running_loop())
    (small_disk / "ballast").write_bytes(b"x" * 500_000)
    log = store.open("web", LogSettings(timestamps=False, max_size=0))
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    child = start("seq", "1000000", stdout=writing)  # 6.9 MB
    assert await asyncio.to_thread(child.wait) == 0
    await eventually_async(lambda: log.ring.end == 1_000_001 and store._writer._worker.load == 0)
    warnings = [*caplog.messages]  # each time there was room for some lines in between
    assert warnings
    assert all("No space left on device" in warning for warning in warnings)
    (small_disk / "ballast").unlink()
    await eventually_async(lambda: fed(store, "web", b"more\n") and not log.files["stdout"].error)
    store.close()
    pipe_reader.close()
    text = (small_disk / "logs" / "web-stdout.log").read_text().splitlines()
    markers = [line for line in text if line.startswith("[pmtui]")]
    assert all(marker.endswith("are missing here: No space left on device") for marker in markers)
    assert caplog.messages == warnings
    assert sum(int(marker.split()[1]) for marker in markers) + sum(line.isdecimal() for line in text) >= 1_000_000
    assert text[0] == "1"
    assert text[-1] == "more"
    assert log.dropped_bytes > 5_000_000


async def test_one_warning_is_logged_for_a_disk_that_stays_full(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(small_disk / "ballast")
    store, pipe_reader = LogStore(small_disk / "logs"), PipeReader(asyncio.get_running_loop())
    log = store.open("web", BARE)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    child = start("seq", "1000000", stdout=writing)
    assert await asyncio.to_thread(child.wait) == 0
    await eventually_async(lambda: log.ring.end == 1_000_001)
    pipe_reader.close()
    store.close()
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        f"cannot write {small_disk}/logs/web-stdout.log: No space left on device"
    ]
    assert log.dropped_bytes == 6_888_896


def test_one_warning_is_logged_for_all_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = LogStore(tmp_path)
    for process_id in ("a", "b", "c"):
        (tmp_path / f"{process_id}-stdout.log").mkdir()
        fed(store, process_id, b"lost\n")
    store.close()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"cannot write {tmp_path}/a-stdout.log: is not a regular file; remove it")


async def test_a_problem_says_since_when_and_what_is_missing(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.files.log_file.RETRY_DELAY", 0.1)
    store = LogStore(small_disk)
    log, other = (store.open(name, BARE) for name in ("web", "other"))
    assert (log.problem(), other.problem(), store.has_problem()) == (None, None, False)
    before = rfc3339(now_ms())
    fill(small_disk / "ballast")
    for line in (b"first\n", b"second\n", b"third\n"):
        fed(store, "web", line)
        await eventually_async(log.problem)
    problem = await eventually_async(lambda: (found := log.problem()) and missing(found) == (3, 19) and found)
    assert problem
    assert problem.message == "cannot write web-stdout.log: No space left on device"
    assert before <= problem.since <= rfc3339(now_ms())
    assert (other.problem(), store.has_problem()) == (None, True)
    (small_disk / "ballast").unlink()
    await eventually_async(partial(is_repaired, store))  # without another line
    assert log.problem() is None
    store.close()
    assert "3 lines (19 bytes) are missing here" in (small_disk / "web-stdout.log").read_text()


def fill(ballast: Path) -> None:
    """Use up the rest of a disk."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            with suppress(OSError):
                while file.write(b"x" * size):
                    pass


def missing(problem: LogProblem) -> tuple[int, int]:
    return problem.missing_lines, problem.missing_bytes


def is_repaired(store: LogStore) -> bool:
    store.retry()
    return not store.has_problem()


async def test_a_disk_that_does_not_answer_is_a_problem(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtui.logs.files.writer.STALL_TIMEOUT", 0.2)
    store = LogStore(tmp_path)
    log = store.open("web", BARE)
    disk.moves.clear()
    fed(store, "web", b"waits\n")
    await eventually_async(log.problem)
    problem = log.problem()
    assert problem
    assert (problem.message, problem.missing_lines) == ("the log disk does not answer", 0)
    disk.moves.set()
    await eventually_async(lambda: not store.has_problem())
    store.close()


@pytest.mark.usefixtures("no_warnings")
async def test_a_full_buffer_makes_the_process_wait_while_the_disk_works(tmp_path: Path, disk: Disk) -> None:
    store, pipe_reader = LogStore(tmp_path), PipeReader(asyncio.get_running_loop())
    disk.moves.clear()
    log = store.open("web", LogSettings(timestamps=False, max_size=0))
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    child = start("seq", "1000000", stdout=writing)
    await eventually_async(lambda: log.bytes_written > 400_000)
    await asyncio.sleep(0.2)
    assert log.bytes_written < 1_000_000  # the queue and one read
    assert child.poll() is None
    disk.moves.set()
    assert await asyncio.to_thread(child.wait) == 0
    done = asyncio.Event()
    pipe_reader.finish([reading], done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)
    store.close()
    pipe_reader.close()
    assert (tmp_path / "web-stdout.log").read_bytes() == b"".join(b"%d\n" % n for n in range(1, 1_000_001))


async def test_a_stalled_disk_costs_lines_in_the_end(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pmtui.logs.files.writer.STALL_TIMEOUT", 0.3)
    store, pipe_reader = LogStore(tmp_path), PipeReader(asyncio.get_running_loop())
    disk.moves.clear()
    log = store.open("web", LogSettings(timestamps=False, max_size=0))
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    child = start("seq", "1000000", stdout=writing)
    assert await asyncio.to_thread(child.wait) == 0
    await eventually_async(lambda: log.ring.end == 1_000_001)
    assert [text[:41] for text in caplog.messages] == ["the log disk has accepted nothing for 0 s"]
    disk.moves.set()
    await eventually_async(lambda: store._writer._worker.load == 0)
    log.sink("stdout").feed(b"more\n")
    store.close()
    pipe_reader.close()
    *kept, marker, last = (tmp_path / "web-stdout.log").read_text().splitlines()
    lost = 1_000_000 - len(kept)
    assert kept == [str(number) for number in range(1, len(kept) + 1)]
    assert marker.startswith(f"[pmtui] {lost} lines ({log.dropped_bytes} bytes) are missing here: ")
    assert last == "more"


@pytest.mark.usefixtures("no_warnings")
def test_a_stalled_disk_does_not_delay_the_exit(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.files.writer._FLUSH_TIMEOUT", 0.3)
    store = LogStore(tmp_path)
    disk.moves.clear()
    fed(store, "web", b"never written\n")
    started = time.monotonic()
    store.close()
    assert time.monotonic() - started < DEADLINE


@pytest.mark.usefixtures("no_warnings")
def test_close_writes_everything(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    fed(store, "web", *[b"x" * 100_000 + b"\n"] * 100)
    store.close()
    assert (tmp_path / "web-stdout.log").stat().st_size > 10_000_000


@pytest.mark.usefixtures("no_warnings")
async def test_lines_are_written_without_waiting_for_more(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    fed(store, "web", b"hello\n")
    await eventually_async(lambda: ends_with(tmp_path / "web-stdout.log", b"hello\n"))
    store.close()


@pytest.mark.usefixtures("no_warnings")
def test_a_silent_process_starts_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    store = LogStore(tmp_path / "logs")
    store.open("web", BARE).start_run(1)
    assert set(threading.enumerate()) <= before
    assert not (tmp_path / "logs").exists()
    store.close()
