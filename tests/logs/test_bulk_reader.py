import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.logs.capture.pipe_reader import MIN_BULK_PIPES, PipeReader
from pmtui.logs.files.log_file import LineBatch, LogFile
from pmtui.logs.search.follow import follow
from pmtui.logs.store import LogStore, ProcessLog
from tests.eventually import DEADLINE, eventually_async
from tests.logs.support import is_open, pipe, start

WRITER = "pmtui-log-writer"
UNLIMITED = LogSettings(timestamps=False, max_size=0)
BOUNDED = LogSettings(timestamps=False, keep=1)


@pytest.fixture
def store(tmp_path: Path) -> LogStore:
    return LogStore(tmp_path)


@pytest.fixture
async def pipe_reader(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PipeReader]:
    """A reader for which a single bulk pipe is many."""
    monkeypatch.setattr("pmtui.logs.capture.pipe_reader.MIN_BULK_PIPES", 1)
    pipe_reader = PipeReader(asyncio.get_running_loop(), store.bulk_reader)
    yield pipe_reader
    pipe_reader.close()
    store.close()


def readers(log: ProcessLog) -> list[str]:
    """Gets the name of the thread that fed the log, at every chunk."""
    found: list[str] = []
    log.ring.listen(lambda: found.append(threading.current_thread().name))
    return found


def seq(last: int) -> bytes:
    return subprocess.check_output(["seq", str(last)])


async def test_bulk_output_is_read_by_the_writer_thread(
    pipe_reader: PipeReader, store: LogStore, tmp_path: Path
) -> None:
    log = store.open("web", UNLIMITED)
    threads = readers(log)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("seq", "inf", stdout=writing) as child:
        await eventually_async(lambda: WRITER in threads and log.ring.end > 1_000_000)
        child.kill()
    done = asyncio.Event()
    pipe_reader.finish([reading], done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)
    store.close()
    text, lines = (tmp_path / "web-stdout.log").read_bytes(), log.ring.end - 1
    assert text.count(b"\n") == lines
    assert text.removesuffix(b"\n") == seq(lines)[: len(text) - 1]  # the last line was cut off by the end


async def test_only_many_bulk_pipes_leave_the_loop(store: LogStore) -> None:
    pipe_reader = PipeReader(asyncio.get_running_loop(), store.bulk_reader)
    logs = [store.open(f"web-{number}", BOUNDED) for number in range(MIN_BULK_PIPES)]
    threads = [readers(log) for log in logs]
    children = []
    for number, log in enumerate(logs):
        if number == MIN_BULK_PIPES - 1:
            await eventually_async(lambda: all(len(seen) > 20 for seen in threads[:-1]))
            assert set().union(*threads) == {"MainThread"}
        reading, writing = pipe()
        pipe_reader.follow(reading, log.sink("stdout"))
        children.append(start("yes", stdout=writing))
    await eventually_async(lambda: all(WRITER in seen for seen in threads))
    for child in children:
        child.kill()
        child.wait()
    pipe_reader.close()
    store.close()


async def test_pipes_with_single_lines_stay_with_the_loop(pipe_reader: PipeReader, store: LogStore) -> None:
    log = store.open("web", UNLIMITED)
    threads = readers(log)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    for number in range(2, 20):
        os.write(writing, b"line\n")
        await eventually_async(lambda end=number: log.ring.end == end)  # type: ignore[misc]
    assert set(threads) == {"MainThread"}
    os.close(writing)


async def test_an_idle_pipe_goes_back_to_the_loop(pipe_reader: PipeReader, store: LogStore) -> None:
    log = store.open("web", UNLIMITED)
    threads = readers(log)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    os.write(writing, b"x" * 60_000 + b"\n")
    await eventually_async(lambda: log.ring.end == 2)
    await eventually_async(lambda: not store.bulk_reader)
    threads.clear()
    os.write(writing, b"calm\n")
    await eventually_async(lambda: log.ring.end == 3)
    assert set(threads) == {"MainThread"}
    os.close(writing)


async def test_a_bulk_pipe_is_closed_at_its_end(pipe_reader: PipeReader, store: LogStore) -> None:
    log = store.open("web", BOUNDED)
    reading, writing = pipe()
    opened = os.fstat(reading)
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("yes", stdout=writing) as child:
        await eventually_async(lambda: store.bulk_reader)
        child.send_signal(signal.SIGKILL)
    done = asyncio.Event()
    pipe_reader.finish([reading], done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)
    assert not store.bulk_reader
    assert not is_open(reading, opened)


async def test_both_streams_of_a_process_may_be_bulk_pipes(
    pipe_reader: PipeReader, store: LogStore, tmp_path: Path
) -> None:
    log = store.open("web", UNLIMITED)
    (out, out_writing), (err, err_writing) = pipe(), pipe()
    pipe_reader.follow(out, log.sink("stdout"))
    pipe_reader.follow(err, log.sink("stderr"))
    script = "seq 1000000 & seq 1000000 >&2; wait"
    with start("sh", "-c", script, stdout=out_writing, stderr=err_writing) as child:
        await asyncio.to_thread(child.wait)
    await eventually_async(lambda: log.ring.end == 2_000_001)
    pipe_reader.finish([out, err], lambda: None)
    store.close()
    assert (tmp_path / "web-stdout.log").read_bytes() == seq(1_000_000)
    assert (tmp_path / "web-stderr.log").read_bytes() == seq(1_000_000)


async def test_a_follower_in_the_loop_gets_bulk_output(pipe_reader: PipeReader, store: LogStore) -> None:
    log = store.open("web", BOUNDED)
    reading, writing = pipe()
    lines = follow([log])
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("yes", stdout=writing) as child:
        await asyncio.wait_for(first, DEADLINE)
        async with asyncio.timeout(DEADLINE):
            for _ in range(5000):
                await anext(lines)
        child.kill()
    await lines.aclose()


@pytest.fixture
def disk_moves(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Writing waits until this is set."""
    moves = threading.Event()
    moves.set()
    write = LogFile.write

    def wait_and_write(file: LogFile, batch: Sequence[LineBatch]) -> None:
        moves.wait(DEADLINE)
        write(file, batch)

    monkeypatch.setattr(LogFile, "write", wait_and_write)
    yield moves
    moves.set()


async def test_a_stalled_disk_gives_bulk_pipes_back_to_the_loop(
    pipe_reader: PipeReader, store: LogStore, disk_moves: threading.Event
) -> None:
    log = store.open("web", BOUNDED)
    threads = readers(log)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("yes", stdout=writing) as child:
        await eventually_async(lambda: WRITER in threads)
        disk_moves.clear()
        await eventually_async(lambda: threads[-1] == "MainThread" and not store.bulk_reader)
        disk_moves.set()
        await eventually_async(lambda: threads[-1] == WRITER)
        child.kill()
    done = asyncio.Event()
    pipe_reader.finish([reading], done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)
