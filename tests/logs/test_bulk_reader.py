import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.logs.capture.pipe_reader import MIN_BULK_PIPES, PipeReader
from pmtui.logs.files.log_file import LineBatch, LogFile
from pmtui.logs.search.follow import follow
from pmtui.logs.store import LogStore
from tests.eventually import DEADLINE
from tests.logs.support import pipe, start, until

WRITER = "pmtui-log-writer"
UNLIMITED = LogSettings(timestamps=False, max_size=0)


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


def readers(log_name: str, store: LogStore) -> list[str]:
    """Gets the name of the thread that fed the log, at every chunk."""
    found: list[str] = []
    store.open(log_name, UNLIMITED).ring.listen(lambda: found.append(threading.current_thread().name))
    return found


async def test_bulk_output_is_read_by_the_writer_thread(
    pipe_reader: PipeReader, store: LogStore, tmp_path: Path
) -> None:
    log, threads = store.open("web", UNLIMITED), readers("web", store)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("seq", "3000000", stdout=writing) as child:
        await asyncio.to_thread(child.wait)
    await until(lambda: log.ring.end == 3_000_001)
    assert WRITER in threads
    pipe_reader.finish([reading], lambda: None)
    store.close()
    assert (tmp_path / "web-stdout.log").read_bytes() == b"".join(b"%d\n" % n for n in range(1, 3_000_001))


async def test_only_many_bulk_pipes_leave_the_loop(store: LogStore) -> None:
    pipe_reader = PipeReader(asyncio.get_running_loop(), store.bulk_reader)
    threads = [readers(f"web-{number}", store) for number in range(MIN_BULK_PIPES)]
    children = []
    for number in range(MIN_BULK_PIPES):
        if number == MIN_BULK_PIPES - 1:
            await until(lambda: all(len(seen) > 20 for seen in threads[:-1]))
            assert set().union(*threads) == {"MainThread"}
        reading, writing = pipe()
        pipe_reader.follow(reading, store.open(f"web-{number}", UNLIMITED).sink("stdout"))
        children.append(start("yes", stdout=writing))
    await until(lambda: all(WRITER in seen for seen in threads))
    for child in children:
        child.kill()
        child.wait()
    pipe_reader.close()
    store.close()


async def test_pipes_with_single_lines_stay_with_the_loop(pipe_reader: PipeReader, store: LogStore) -> None:
    log, threads = store.open("web", UNLIMITED), readers("web", store)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    for number in range(2, 20):
        os.write(writing, b"line\n")
        await until(lambda end=number: log.ring.end == end)  # type: ignore[misc]
    assert set(threads) == {"MainThread"}
    os.close(writing)


async def test_an_idle_pipe_goes_back_to_the_loop(pipe_reader: PipeReader, store: LogStore) -> None:
    log, threads = store.open("web", UNLIMITED), readers("web", store)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    os.write(writing, b"x" * 60_000 + b"\n")
    await until(lambda: log.ring.end == 2)
    await until(lambda: not store.bulk_reader)
    threads.clear()
    os.write(writing, b"calm\n")
    await until(lambda: log.ring.end == 3)
    assert set(threads) == {"MainThread"}
    os.close(writing)


async def test_a_bulk_pipe_is_closed_at_its_end(pipe_reader: PipeReader, store: LogStore) -> None:
    log = store.open("web", UNLIMITED)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("yes", stdout=writing) as child:
        await until(lambda: store.bulk_reader)
        child.send_signal(signal.SIGKILL)
    done = asyncio.Event()
    pipe_reader.finish([reading], done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)
    assert not store.bulk_reader
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


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
    await until(lambda: log.ring.end == 2_000_001)
    pipe_reader.finish([out, err], lambda: None)
    store.close()
    whole = b"".join(b"%d\n" % n for n in range(1, 1_000_001))
    assert (tmp_path / "web-stdout.log").read_bytes() == whole
    assert (tmp_path / "web-stderr.log").read_bytes() == whole


async def test_a_follower_in_the_loop_gets_bulk_output(pipe_reader: PipeReader, store: LogStore) -> None:
    log = store.open("web", UNLIMITED)
    reading, writing = pipe()
    lines = follow([log])
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("yes", stdout=writing) as child:
        await asyncio.wait_for(first, DEADLINE)
        for _ in range(5000):
            await asyncio.wait_for(anext(lines), DEADLINE)
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
    log, threads = store.open("web", UNLIMITED), readers("web", store)
    reading, writing = pipe()
    pipe_reader.follow(reading, log.sink("stdout"))
    with start("yes", stdout=writing) as child:
        await until(lambda: WRITER in threads)
        disk_moves.clear()
        await until(lambda: threads[-1] == "MainThread" and not store.bulk_reader)
        disk_moves.set()
        await until(lambda: threads[-1] == WRITER)
        child.kill()
    done = asyncio.Event()
    pipe_reader.finish([reading], done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)
