import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pmtui.logs.capture.pipe_reader import PipeReader
from tests.eventually import DEADLINE, eventually_async
from tests.logs.support import is_open, pipe, start


class Notebook:
    """A sink that keeps what it was fed; with `room` False it pauses its pipe."""

    def __init__(self) -> None:
        self.text = b""
        self.feeds = 0
        self.ended = 0
        self.room = True

    def feed(self, data: bytes) -> bool:
        self.text += data
        self.feeds += 1
        return self.room

    def has_room(self) -> bool:
        return self.room

    def feed_eof(self) -> None:
        self.ended += 1


@pytest.fixture
async def pipe_reader() -> AsyncIterator[PipeReader]:
    pipe_reader = PipeReader(asyncio.get_running_loop())
    yield pipe_reader
    pipe_reader.close()


async def test_what_is_written_arrives(pipe_reader: PipeReader) -> None:
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    os.write(writing, b"one\n")
    await eventually_async(lambda: sink.text == b"one\n")
    os.write(writing, b"two\n")
    await eventually_async(lambda: sink.text == b"one\ntwo\n")
    os.close(writing)


async def test_single_lines_are_read_together(pipe_reader: PipeReader) -> None:
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    started = time.monotonic()
    for _ in range(300):
        os.write(writing, b"line\n")
        await asyncio.sleep(0.0005)
    await eventually_async(lambda: len(sink.text) == 1500)
    taken = time.monotonic() - started
    assert sink.feeds <= taken / 0.01 + 2
    os.close(writing)


async def test_finish_reads_to_the_end_within_the_call(pipe_reader: PipeReader) -> None:
    ends, sinks = [pipe(), pipe()], [Notebook(), Notebook()]
    opened = [os.fstat(reading) for reading, _ in ends]
    for (reading, writing), sink in zip(ends, sinks, strict=True):
        pipe_reader.follow(reading, sink)
        os.write(writing, b"x" * 65536)
        os.close(writing)
    done: list[str] = []
    pipe_reader.finish([reading for reading, _ in ends], lambda: done.append("done"))
    assert done == ["done"]
    assert [(len(sink.text), sink.ended) for sink in sinks] == [(65536, 1), (65536, 1)]
    assert not any(is_open(reading, its) for (reading, _), its in zip(ends, opened, strict=True))


async def test_a_pipe_held_by_another_process_is_closed_after_half_a_second(pipe_reader: PipeReader) -> None:
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    done = asyncio.Event()
    started = time.monotonic()
    pipe_reader.finish([reading], done.set)
    assert not done.is_set()
    os.write(writing, b"late words")
    await asyncio.wait_for(done.wait(), DEADLINE)
    assert time.monotonic() - started > 0.4
    assert (sink.text, sink.ended) == (b"late words", 1)
    os.close(writing)


async def test_a_pipe_released_by_another_process_is_closed_at_once(
    pipe_reader: PipeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtui.logs.capture.pipe_reader.ORPHAN_PIPE_TIMEOUT", 600)
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    done = asyncio.Event()
    pipe_reader.finish([reading], done.set)
    os.close(writing)
    await asyncio.wait_for(done.wait(), DEADLINE)


async def test_a_pipe_held_by_a_writing_process_is_closed_too(pipe_reader: PipeReader) -> None:
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    with start("yes", stdout=writing) as stranger:
        await eventually_async(lambda: sink.text)
        done = asyncio.Event()
        pipe_reader.finish([reading], done.set)
        await asyncio.wait_for(done.wait(), DEADLINE)
        stranger.kill()


async def test_a_process_that_closes_its_output_costs_nothing(
    pipe_reader: PipeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    os.close(writing)
    await eventually_async(lambda: sink.ended)
    turns = turns_of_loop(monkeypatch)
    await asyncio.sleep(0.3)
    assert len(turns) < 10
    done: list[str] = []
    pipe_reader.finish([reading], lambda: done.append("done"))
    assert done == ["done"]


def turns_of_loop(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Gets an item whenever the running loop waits for something to do."""
    turns: list[None] = []
    loop: Any = asyncio.get_running_loop()
    turn = loop._run_once

    def counted() -> None:
        turns.append(None)
        turn()

    monkeypatch.setattr(loop, "_run_once", counted)
    return turns


async def test_a_full_sink_pauses_its_pipe_until_there_is_room(pipe_reader: PipeReader) -> None:
    (reading, writing), sink = pipe(), Notebook()
    sink.room = False
    pipe_reader.follow(reading, sink)
    os.write(writing, b"first")
    await eventually_async(lambda: sink.text == b"first")
    os.write(writing, b" second")
    await asyncio.sleep(0.1)
    assert sink.text == b"first"
    sink.room = True
    await eventually_async(lambda: sink.text == b"first second")
    os.close(writing)


async def test_a_paused_pipe_is_read_after_resume(pipe_reader: PipeReader) -> None:
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    pipe_reader.pause(reading)
    os.write(writing, b"held")
    await asyncio.sleep(0.05)
    assert sink.text == b""
    pipe_reader.resume(reading)
    await eventually_async(lambda: sink.text == b"held")
    os.close(writing)


async def test_bulk_output_leaves_the_loop_responsive(pipe_reader: PipeReader) -> None:
    (reading, writing), sink = pipe(), Notebook()
    pipe_reader.follow(reading, sink)
    with start("head", "-c", "100000000", "/dev/zero", stdout=writing) as child:
        read = most = 0

        def feed(data: bytes) -> bool:
            nonlocal read
            read += len(data)
            return True

        sink.feed = feed  # type: ignore[method-assign]
        while child.poll() is None:
            before = read
            await asyncio.sleep(0)
            most = max(most, read - before)
    assert 0 < most <= 1 << 20


async def test_finish_without_pipes_is_done_at_once(pipe_reader: PipeReader) -> None:
    done: list[str] = []
    pipe_reader.finish([], lambda: done.append("done"))
    assert done == ["done"]


async def test_done_may_start_the_next_run(pipe_reader: PipeReader) -> None:
    (reading, writing), first, second = pipe(), Notebook(), Notebook()
    pipe_reader.follow(reading, first)
    os.close(writing)
    again = pipe()
    pipe_reader.finish([reading], lambda: pipe_reader.follow(again[0], second))
    os.write(again[1], b"next")
    await eventually_async(lambda: second.text == b"next")
    os.close(again[1])
