import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.control import LogLine
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.files.log_file import LineBatch, LogFile
from pmtui.logs.ring_buffer import PARTIAL_DELAY
from pmtui.logs.search.follow import MissedLines, follow
from pmtui.logs.search.query import Query, search
from pmtui.logs.search.threads import run_in_thread
from pmtui.logs.store import LogStore, ProcessLog
from pmtui.text.regex import Pattern
from tests.eventually import DEADLINE, eventually
from tests.logs.support import BARE, run_python


@pytest.fixture
async def store(no_warnings: None, tmp_path: Path) -> AsyncIterator[LogStore]:
    store = LogStore(tmp_path)
    yield store
    store.close()


def write(log: ProcessLog, *texts: object) -> None:
    log.sink("stdout").feed("".join(f"{text}\n" for text in texts).encode())


async def take(stream: AsyncIterator[LogLine | MissedLines], count: int) -> list[LogLine | MissedLines]:
    async with asyncio.timeout(DEADLINE):
        return [await anext(stream) for _ in range(count)]


def shown(lines: list[LogLine | MissedLines]) -> list[object]:
    return [line.text if isinstance(line, LogLine) else line for line in lines]


class Clock:
    """A monotonic clock that tests set ahead; `looks` counts how often a search has looked at it."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += threading.current_thread().name == "pmtui-log-reader"
        return time.monotonic() + self.ahead


def numbers(lines: list[LogLine | MissedLines]) -> list[int]:
    return [int(str(text)) for text in shown(lines)]


async def test_old_lines_are_followed_by_new_ones(store: LogStore) -> None:
    log = store.open("web", BARE)
    write(log, *range(10))
    async with aclosing(follow([log], Query(lines=3))) as stream:
        assert shown(await take(stream, 3)) == ["7", "8", "9"]
        write(log, 10, 11)
        assert shown(await take(stream, 2)) == ["10", "11"]
        waiting = asyncio.ensure_future(take(stream, 1))
        await asyncio.sleep(0)
        write(log, 12)
        assert shown(await waiting) == ["12"]


async def test_lines_written_while_history_is_read_come_once(store: LogStore) -> None:
    log = store.open("web", BARE)
    log.ring.max_lines = 20
    write(log, *range(100))
    async with aclosing(follow([log], Query(lines=50))) as stream:
        waiting = asyncio.ensure_future(take(stream, 50))
        await asyncio.sleep(0)
        for number in range(100, 300):
            write(log, number)
            await asyncio.sleep(0)
        first = numbers(await waiting)
        rest = numbers(await take(stream, 299 - first[-1]))
    assert first[0] >= 50
    assert first + rest == [*range(first[0], 300)]


async def test_history_includes_lines_written_before_the_search_starts(store: LogStore) -> None:
    """Not only those written before the request: bulk output since then would have to be read back."""
    log = store.open("web", BARE)
    moves = threading.Event()
    busy = [asyncio.ensure_future(run_in_thread(lambda: moves.wait(DEADLINE))) for _ in range(2)]
    async with aclosing(follow([log], Query(lines=3))) as stream:
        waiting = asyncio.ensure_future(take(stream, 3))
        await asyncio.sleep(0)
        write(log, *range(5000))
        moves.set()
        await asyncio.wait(busy)
        assert numbers(await waiting) == [4997, 4998, 4999]
        write(log, 5000)
        assert numbers(await take(stream, 1)) == [5000]


async def test_a_reader_waits_for_a_slow_disk(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = [store.open(f"web-{number}", BARE) for number in range(8)]
    written, clock = LogFile.write, Clock()

    def write_slowly(file: LogFile, batch: Sequence[LineBatch]) -> None:
        clock.ahead += 0.5 * DEADLINE  # of all eight more than a disk may stand still
        looks = clock.looks
        eventually(lambda: clock.looks > looks)
        written(file, batch)

    monkeypatch.setattr("pmtui.logs.files.batch_worker.time", clock)
    monkeypatch.setattr(LogFile, "write", write_slowly)
    for log in logs:
        log.ring.max_lines = 10
        write(log, *range(100))
    assert len(await search(logs[:1], Query(lines=100), DEADLINE)) == 100


async def test_a_stream_is_resumed_where_it_was_left(store: LogStore) -> None:
    log = store.open("web", BARE)
    log.ring.max_lines = 10
    write(log, *range(1, 101))
    async with aclosing(follow([log], after={"web": 60})) as stream:
        assert shown(await take(stream, 40)) == [str(number) for number in range(61, 101)]
        write(log, 101)
        assert shown(await take(stream, 1)) == ["101"]


async def test_resuming_from_a_former_manager_yields_all_lines(store: LogStore) -> None:
    log = store.open("web", BARE)
    write(log, "a", "b")
    async with aclosing(follow([log], after={"web": 5000})) as stream:
        assert shown(await take(stream, 2)) == ["a", "b"]


async def test_a_slow_reader_catches_up_from_the_files(store: LogStore) -> None:
    log = store.open("web", LogSettings(max_size=5000, keep=1000))
    log.ring.max_lines = 10
    write(log, "past")
    async with aclosing(follow([log], Query(lines=1))) as stream:
        assert shown(await take(stream, 1)) == ["past"]
        for number in range(2000):
            write(log, number)
        assert numbers(await take(stream, 2000)) == [*range(2000)]


@pytest.mark.usefixtures("no_warnings")
async def test_lines_that_a_reader_missed_are_counted() -> None:
    store = LogStore(None)
    log = store.open("web", BARE)
    log.ring.max_lines = 10
    async with aclosing(follow([log])) as stream:
        write(log, "first")
        assert shown(await take(stream, 1)) == ["first"]
        write(log, *range(100))
        assert shown(await take(stream, 3)) == [MissedLines("web", 90), "90", "91"]
    store.close()


async def test_lines_of_several_processes_are_ordered_by_time(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_795_000_000_000, 1_796_000_000_000))
    monkeypatch.setattr("pmtui.logs.process_log.now_ms", lambda: next(clock))
    logs = [store.open(process_id, BARE) for process_id in ("a", "b", "c")]
    for number in range(9):
        write(logs[number % 3], number)
    async with aclosing(follow(logs, Query(lines=6))) as stream:
        assert shown(await take(stream, 6)) == ["3", "4", "5", "6", "7", "8"]
        for number in range(9, 21):
            write(logs[number % 3], number)
        assert shown(await take(stream, 12)) == [str(number) for number in range(9, 21)]


async def test_only_matching_lines_are_yielded(store: LogStore) -> None:
    log = store.open("web", BARE)
    write(log, "old apple", "old pear")
    async with aclosing(follow([log], Query(pattern=Pattern("apple")))) as stream:
        assert shown(await take(stream, 1)) == ["old apple"]
        write(log, "new pear", "new apple")
        assert shown(await take(stream, 1)) == ["new apple"]


async def test_a_closed_reader_is_forgotten(store: LogStore) -> None:
    log = store.open("web", BARE)
    async with aclosing(follow([log])) as stream:
        write(log, "x")
        await take(stream, 1)
        assert log.ring._listeners
    assert not log.ring._listeners


async def test_the_time_limit_of_a_search_does_not_include_the_reader(
    store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("pmtui.logs.search.query.time", clock)
    log = store.open("web", BARE)
    async with aclosing(follow([log], Query(pattern=Pattern("apple")))) as stream:
        write(log, "apple 1")
        await take(stream, 1)
        write(log, "apple 2", "apple 3")
        assert shown(await take(stream, 1)) == ["apple 2"]
        clock.ahead += 2 * DEADLINE
        assert shown(await take(stream, 1)) == ["apple 3"]


async def test_a_reader_loses_no_line_in_a_hundred_rotations(store: LogStore) -> None:
    pipe_reader = PipeReader(asyncio.get_running_loop())
    log = store.open("web", LogSettings(max_size=10_000, keep=200))
    log.start_run(1)
    code = "import time\nfor n in range(35_000):\n  print(n, flush=n % 100 == 0)\n  n % 1000 or time.sleep(0.01)"
    write(log, "past")
    async with aclosing(follow([log], Query(lines=1))) as stream:
        assert shown(await take(stream, 1)) == ["past"]
        finished = (line async for line in stream if isinstance(line, MissedLines) or not line.partial)
        reader = asyncio.ensure_future(take(finished, 35_000))
        await run_python(log, pipe_reader, code)
        assert numbers(await reader) == [*range(35_000)]
    pipe_reader.close()
    store.close()
    assert len(log.files["stdout"].archives()) >= 100


def partial_texts(lines: list[LogLine | MissedLines]) -> list[tuple[str, bool]]:
    return [(line.text, line.partial) for line in lines if isinstance(line, LogLine)]


async def test_an_unfinished_line_is_given_and_then_replaced(store: LogStore) -> None:
    log = store.open("web", BARE)
    log.start_run(1)
    splitter = log.sink("stdout")
    async with aclosing(follow([log])) as stream:
        began = time.monotonic()
        splitter.feed(b"started\nConnecting to database... ")
        assert partial_texts(await take(stream, 2)) == [("started", False), ("Connecting to database... ", True)]
        assert time.monotonic() - began >= PARTIAL_DELAY
        splitter.feed(b"done\n")
        (line,) = await take(stream, 1)
        assert isinstance(line, LogLine)
        assert (line.seq, line.text, line.partial) == (2, "Connecting to database... done", False)


async def test_an_unfinished_line_is_given_to_those_who_come_later(store: LogStore) -> None:
    log = store.open("web", BARE)
    log.sink("stdout").feed(b"one\nPassword: ")
    async with aclosing(follow([log])) as stream:
        assert partial_texts(await take(stream, 2)) == [("one", False), ("Password: ", True)]


async def test_a_progress_bar_is_given_in_its_last_state(store: LogStore) -> None:
    log = store.open("web", BARE)
    splitter = log.sink("stderr")
    async with aclosing(follow([log])) as stream:
        splitter.feed(b"10 %\r20 %")
        assert partial_texts(await take(stream, 1)) == [("20 %", True)]
        for percent in range(21, 60):
            splitter.feed(b"\r%d %%" % percent)
        assert partial_texts(await take(stream, 1)) == [("59 %", True)]
        splitter.feed(b"\r100 %\n")
        assert partial_texts(await take(stream, 1)) == [("100 %", False)]


async def test_lines_that_are_finished_in_time_are_never_given_unfinished(store: LogStore) -> None:
    log = store.open("web", BARE)
    splitter = log.sink("stdout")
    async with aclosing(follow([log])) as stream:
        for number in range(3):
            splitter.feed(b"line ")
            splitter.feed(b"%d\n" % number)
        assert partial_texts(await take(stream, 3)) == [("line 0", False), ("line 1", False), ("line 2", False)]


async def test_an_unfinished_line_that_does_not_match_is_not_given(store: LogStore) -> None:
    log = store.open("web", BARE)
    log.sink("stdout").feed(b"a pear")
    async with aclosing(follow([log], Query(pattern=Pattern("apple")))) as stream:
        waiting = asyncio.ensure_future(take(stream, 1))
        await asyncio.sleep(PARTIAL_DELAY * 2)
        log.sink("stderr").feed(b"an apple")
        assert partial_texts(await waiting) == [("an apple", True)]


@pytest.mark.parametrize("timestamps", [True, False])
async def test_the_parts_of_a_line_that_is_too_long_joined_are_the_line(store: LogStore, timestamps: bool) -> None:
    log = store.open("web", LogSettings(timestamps=timestamps))
    log.start_run(1)
    long = "x" + "€" * 50_000
    log.sink("stdout").feed(f"before\n{long}\nafter\n".encode())
    in_memory = await search([log], Query(), DEADLINE)
    log.ring.clear()
    from_files = await search([log], Query(), DEADLINE)
    for lines in (in_memory, from_files):
        assert [(line.seq, line.cut) for line in lines] == [(1, False), (2, True), (3, True), (4, False), (5, False)]
        assert "".join(line.text for line in lines[1:4]) == long
        assert "cut" not in lines[1].text


async def test_a_bounded_rate_gives_a_burst_whole_and_skips_to_the_newest_of_a_flood(store: LogStore) -> None:
    log = store.open("web", BARE)
    write(log, "past")
    async with aclosing(follow([log], Query(lines=1, rate=50))) as stream:
        assert shown(await take(stream, 1)) == ["past"]
        write(log, *range(150))
        assert numbers(await take(stream, 150)) == [*range(150)]
        write(log, *range(150, 2000))
        skipped, *lines = await take(stream, 2)
        assert isinstance(skipped, MissedLines)
        assert numbers(lines) == [150 + skipped.lines]
        assert skipped.lines >= 1850 - 200  # a burst is four seconds' lines


async def test_a_bounded_rate_lets_time_pass_between_lines(store: LogStore) -> None:
    log = store.open("web", BARE)
    async with aclosing(follow([log], Query(lines=0, rate=100))) as stream:
        begun = time.monotonic()
        given = asyncio.ensure_future(take(stream, 600))
        while not given.done():
            write(log, *range(100))
            await asyncio.sleep(0.01)
        lines = sum(not isinstance(item, MissedLines) for item in given.result())
        assert time.monotonic() - begun >= (lines - 400 - 50) / 100  # but for the burst and one turn
