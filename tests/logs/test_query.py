"""Every answer is compared with that of a naive implementation that has seen every line."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.control import MAX_LINES, Level, LogLine, RawLogLine, Stream
from pmtui.logs.process_log import STREAMS, ProcessLog
from pmtui.logs.search.query import Query, QueryError, parse_query, search, search_now
from pmtui.logs.store import LogStore
from pmtui.text.regex import Pattern
from pmtui.text.timestamps import rfc3339
from tests.eventually import DEADLINE, open_links

SMALL = LogSettings(max_size=3000, keep=1000)
ALL = Query(lines=MAX_LINES)
NOON = 1_795_176_000_000
LEVEL_WORDS: dict[str, Level] = {"INFO": "info", "ERROR": "error", "WARN": "warn", "level=debug": "debug"}


@dataclass
class Clock:
    """A wall clock that is moved by hand."""

    ms: int = NOON

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("pmtui.logs.process_log.now_ms", clock)
    monkeypatch.setattr("pmtui.text.timestamps.now_ms", clock)
    return clock


@pytest.fixture
def store(no_warnings: None, tmp_path: Path) -> Iterator[LogStore]:
    store = LogStore(tmp_path)
    yield store
    store.close()


def ask(query: Query, *logs: ProcessLog) -> list[LogLine]:
    return search_now(logs, query, time.monotonic() + DEADLINE)


class Witness:
    """Writes to a log, in chunks of random sizes, and remembers every line."""

    def __init__(self, log: ProcessLog, clock: Clock, seed: int = 1) -> None:
        self.log = log
        self.clock = clock
        self.lines: list[LogLine] = []
        self.chance = random.Random(seed)

    def run(self, number: int, chunks: int, both: bool = True) -> None:
        self.log.start_run(number)
        sinks = {stream: self.log.sink(stream) for stream in STREAMS}
        for _ in range(chunks):
            stream: Stream = self.chance.choice(STREAMS) if both else "stdout"
            texts = [self.text() for _ in range(self.chance.randrange(1, 6))]
            self.clock.ms += self.chance.choice((0, 0, 1, 700))
            sinks[stream].feed("".join(f"{text}\n" for text in texts).encode())
            for text in texts:
                self.lines.append(self.line(stream, text, number))

    def text(self) -> str:
        word = self.chance.choice(("INFO served", "ERROR failed", "WARN slow", "level=debug x", "", "Größe €"))
        return f"{word} {self.chance.randrange(1000)}"

    def line(self, stream: Stream, text: str, run: int) -> LogLine:
        last = self.log.ring.raw(self.log.ring.end - 1, 1)[0]
        seq = len(self.lines) + 1
        return LogLine(
            seq=seq,
            time=rfc3339(last.ms),
            stream=stream,
            text=text,
            run=run,
            id=self.log.process_id,
            level=LEVEL_WORDS.get(text.partition(" ")[0]),
        )


def witnessed(store: LogStore, clock: Clock, seed: int = 1, runs: int = 3, settings: LogSettings = SMALL) -> Witness:
    log = store.open("web", settings)
    log.ring.max_lines = 50
    witness = Witness(log, clock, seed)
    for run in range(1, runs + 1):
        witness.run(run, 60)
    return witness


@pytest.mark.parametrize("lines", [0, 1, 49, 50, 51, 200, MAX_LINES])
def test_the_last_lines_are_exact(store: LogStore, clock: Clock, lines: int) -> None:
    witness = witnessed(store, clock)
    assert ask(Query(lines=lines), witness.log) == (witness.lines[-lines:] if lines else [])


@pytest.mark.parametrize("seed", range(5))
def test_every_filter_is_exact(store: LogStore, clock: Clock, seed: int) -> None:
    witness = witnessed(store, clock, seed=seed)
    every, lines = Query(lines=MAX_LINES), witness.lines
    middle = NOON + (clock.ms - NOON) // 2
    assert ask(replace(every, stream="stderr"), witness.log) == [line for line in lines if line.stream == "stderr"]
    assert ask(replace(every, since_ms=middle), witness.log) == [line for line in lines if line.time >= rfc3339(middle)]
    assert ask(replace(every, until_ms=middle), witness.log) == [line for line in lines if line.time <= rfc3339(middle)]
    assert ask(replace(every, run=2), witness.log) == [line for line in lines if line.run == 2]
    assert ask(replace(every, run="current"), witness.log) == [line for line in lines if line.run == 3]
    assert ask(replace(every, run="previous"), witness.log) == [line for line in lines if line.run == 2]
    assert ask(replace(every, run=4), witness.log) == []
    assert ask(replace(every, pattern=Pattern("failed 1")), witness.log) == [x for x in lines if "failed 1" in x.text]
    assert ask(replace(every, level="warn"), witness.log) == [
        line for line in lines if line.text.startswith(("WARN", "ERROR"))
    ]
    assert (
        ask(Query(lines=7, stream="stdout", run=1, pattern=Pattern("€")), witness.log)
        == [line for line in lines if line.stream == "stdout" and line.run == 1 and "€" in line.text][-7:]
    )


def test_several_processes_are_merged_by_time(store: LogStore, clock: Clock) -> None:
    logs = [store.open(process_id, SMALL) for process_id in ("web", "web-stdout", "api")]
    written = []
    for number in range(300):
        log = logs[number % 3]
        clock.ms += 1
        log.sink("stdout").feed(b"%d\n" % number)
        written.append((log.process_id, str(number)))
    assert [(line.id, line.text) for line in ask(Query(lines=200), *logs)] == written[-200:]


@pytest.mark.usefixtures("no_warnings")
def test_lines_of_a_former_manager_come_before_those_of_this_one(tmp_path: Path, clock: Clock) -> None:
    former = LogStore(tmp_path)
    before = witnessed(former, clock, runs=2)
    former.close()
    store = LogStore(tmp_path)
    clock.ms += 10
    after = witnessed(store, clock, seed=2, runs=1)
    found = ask(Query(lines=MAX_LINES), after.log)
    assert found[len(before.lines) :] == after.lines
    old = found[: len(before.lines)]
    assert [line.seq for line in old] == list(range(1 - len(old), 1))
    assert [line.time for line in old] == [line.time for line in before.lines]
    for stream in STREAMS:
        shown = [(line.text, line.run) for line in old if line.stream == stream]
        assert shown == [(line.text, line.run) for line in before.lines if line.stream == stream]
    previous = ask(Query(lines=MAX_LINES, run="previous"), after.log)
    assert sorted(line.text for line in previous) == sorted(line.text for line in before.lines if line.run == 2)
    store.close()


@pytest.mark.usefixtures("no_warnings")
def test_a_run_that_crashed_and_the_next_share_no_line(store: LogStore, clock: Clock, tmp_path: Path) -> None:
    log = store.open("web", LogSettings())
    for run in (1, 2):  # within one millisecond
        log.start_run(run)
        log.sink("stdout").feed(b"run %d\n" % run)
    store.close()
    later = LogStore(tmp_path)
    again = later.open("web", LogSettings())
    assert [line.text for line in ask(Query(run=1), again)] == ["run 1"]
    assert [line.text for line in ask(Query(run="current"), again)] == ["run 2"]
    later.close()


def test_without_timestamps_no_line_is_missing(store: LogStore, clock: Clock) -> None:
    log = store.open("web", LogSettings(timestamps=False, max_size=1000, keep=1000))
    log.ring.max_lines = 10
    log.start_run(1)
    long = b"x" * 70_000
    for number in range(300):
        log.sink("stdout").feed(b"%d\n" % number if number != 100 else long + b"\n")
    found = ask(Query(lines=MAX_LINES), log)
    assert [line.seq for line in found] == list(range(1, 302))
    assert [line.text for line in found if len(line.text) < 10] == [str(n) for n in range(300) if n != 100]
    assert "".join(line.text for line in found[100:102]) == long.decode()
    assert (found[0].time, found[-1].time) == ("", rfc3339(clock.ms))
    assert len(ask(Query(lines=MAX_LINES, since_ms=1), log)) == 10


def test_lost_lines_are_where_their_marker_is(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.files.log_file.RETRY_DELAY", 0.0)
    store = LogStore(tmp_path / "logs")
    log = store.open("web", LogSettings(timestamps=False))
    log.ring.max_lines = 1
    obstacle = tmp_path / "logs" / "web-stdout.log"
    out, err = log.sink("stdout"), log.sink("stderr")
    out.feed(b"1\n2\n")
    err.feed(b"3\n")
    ask(Query(), log)
    obstacle.unlink()
    obstacle.mkdir()
    out.feed(b"4\n5\n")
    ask(Query(), log)
    obstacle.rmdir()
    err.feed(b"6\n")
    out.feed(b"7\n8\n")
    err.feed(b"9\n")
    shown = [(line.seq, line.text[:17]) for line in ask(Query(), log)]
    assert shown == [(3, "3"), (5, "[pmtui] 2 lines ("), (6, "6"), (7, "7"), (8, "8"), (9, "9")]
    store.close()


async def test_a_search_does_not_block_the_loop(store: LogStore, clock: Clock) -> None:
    witness = witnessed(store, clock)
    assert await search([witness.log], Query(lines=MAX_LINES), DEADLINE) == witness.lines


async def test_a_search_times_out(store: LogStore, clock: Clock) -> None:
    witness = witnessed(store, clock)
    with pytest.raises(QueryError, match="too long"):
        await search([witness.log], Query(lines=MAX_LINES), seconds=0)


def test_a_search_closes_its_files(store: LogStore, clock: Clock) -> None:
    witness = witnessed(store, clock)
    ask(Query(), witness.log)

    def open_files() -> list[str]:
        return sorted(link for link in open_links() if link.startswith(f"{store.directory}/"))

    before = open_files()
    ask(Query(lines=60), witness.log)
    ask(Query(lines=MAX_LINES), witness.log)
    with pytest.raises(QueryError):
        search_now([witness.log], Query(lines=MAX_LINES), 0)
    assert open_files() == before


def test_parameters_are_parsed_into_a_query(clock: Clock) -> None:
    query = parse_query(
        {
            "lines": "1000000000",
            "stream": "stderr",
            "since": "5m",
            "until": "2026-11-20T13:00:00.5+01:00",
            "run": "previous",
            "level": "warning",
            "format": "text",
        }
    )
    assert query == Query(
        lines=MAX_LINES, stream="stderr", since_ms=NOON - 300_000, until_ms=NOON + 500, run="previous", level="warn"
    )
    assert parse_query({"run": "7", "grep": "a+"}).run == 7
    assert parse_query({}) == Query()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lines", "-1"),
        ("lines", "many"),
        ("stream", "both"),
        ("since", "yesterday"),
        ("until", "2026-13-01T00:00:00Z"),
        ("grep", "("),
        ("grep", r"(a)\1"),
        ("run", "-1"),
        ("run", "last"),
        ("level", "loud"),
    ],
)
def test_an_invalid_parameter_is_named(name: str, text: str) -> None:
    with pytest.raises(QueryError, match=f"^{name}: "):
        parse_query({name: text})


def test_lines_before_a_number_are_read_from_the_files(store: LogStore, clock: Clock) -> None:
    witness = witnessed(store, clock)
    first = witness.log.ring.start
    assert ask(parse_query({"lines": "10", "before": str(first)}), witness.log) == witness.lines[first - 11 : first - 1]
    with pytest.raises(QueryError, match="before"):
        parse_query({"before": "x"})


def test_raw_lines_include_the_bytes_as_written(store: LogStore, clock: Clock) -> None:
    log = store.open("web", LogSettings())
    log.start_run(1)
    log.sink("stdout").feed(b"\x1b[31mred\xff\n")
    (line,) = ask(parse_query({"raw": "true"}), log)
    assert isinstance(line, RawLogLine)
    assert (line.text, line.data) == ("red\ufffd", b"\x1b[31mred\xff")


async def test_fields_and_searches_select_lines(store: LogStore) -> None:
    log = store.open("api", SMALL)
    log.start_run(1)
    log.sink("stdout").feed(
        b'{"level":"error","msg":"timed out","route":"/v1"}\nlevel=warn msg=slow route=/v2\nplain route\n'
    )
    found = [
        [line.text for line in await search([log], parse_query(parameters), DEADLINE)]
        for parameters in (
            {"field": "route=/v*"},
            {"field": "route=/v1\nlevel=error"},
            {"search": "route !level:error"},
            {"search": "level:warn", "field": "route=/v2"},
        )
    ]
    json, logfmt, plain = [line.text for line in await search([log], Query(), DEADLINE)]
    assert found == [[json, logfmt], [json], [logfmt, plain], [logfmt]]
    (line, *_) = await search([log], Query(lines=3), DEADLINE)
    assert (line.level, line.fields) == ("error", {"level": "error", "msg": "timed out", "route": "/v1"})
    with pytest.raises(QueryError, match="field: expected key=value"):
        parse_query({"field": "route"})
    with pytest.raises(QueryError, match="search: level: expected one of"):
        parse_query({"search": "level:loud"})


def paged(log: ProcessLog, lines: int) -> list[LogLine]:
    """Read the whole log from its end in pages."""
    found = list[LogLine]()
    while page := ask(Query(lines=lines, before=found[0].seq) if found else Query(lines=lines), log):
        found[:0] = page
    return found


def paged_forwards(log: ProcessLog, lines: int, query: Query = ALL) -> list[LogLine]:
    """Read the whole log from before its beginning in pages."""
    found = list[LogLine]()
    while page := ask(replace(query, lines=lines, after=found[-1].seq if found else -(10**17)), log):
        found += page
    return found


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three lines, and little memory of which stream wrote which line."""
    monkeypatch.setattr("pmtui.logs.files.block_index.BLOCK_BYTES", 300)
    monkeypatch.setattr("pmtui.logs.files.stream_order._MAX_CHANGES", 16)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "settings", [SMALL, LogSettings(), LogSettings(timestamps=False, max_size=3000, keep=1000)], ids=str
)
def test_pages_make_up_the_whole_log(tmp_path: Path, clock: Clock, settings: LogSettings, seed: int) -> None:
    former = LogStore(tmp_path)
    witnessed(former, clock, seed=seed, runs=1, settings=settings)
    former.close()
    clock.ms -= 5_000  # set back while no manager ran
    store = LogStore(tmp_path)
    log = witnessed(store, clock, seed=seed + 1, runs=2, settings=settings).log
    assert log._order.floor > 10
    whole = ask(Query(lines=MAX_LINES), log)
    assert [line.seq for line in whole] == list(range(whole[0].seq, log.ring.end))
    for lines in (5, 60):
        assert paged(log, lines) == whole
    assert paged_forwards(log, 40) == whole
    store.close()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("block", [230, 300, 1000])
@pytest.mark.parametrize("settings", [LogSettings(), LogSettings(timestamps=False)], ids=str)
def test_each_line_is_found_by_its_number(
    tmp_path: Path, clock: Clock, settings: LogSettings, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtui.logs.files.block_index.BLOCK_BYTES", block)
    former = LogStore(tmp_path)
    witnessed(former, clock, seed=block, runs=1, settings=settings)
    former.close()
    store = LogStore(tmp_path)
    log = witnessed(store, clock, seed=block + 1, runs=1, settings=settings).log
    for line in ask(ALL, log):
        assert ask(Query(lines=1, before=line.seq + 1), log) == [line]
    store.close()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("settings", [SMALL, LogSettings(), LogSettings(timestamps=False)], ids=str)
def test_times_in_a_large_log_are_looked_up(
    store: LogStore, clock: Clock, settings: LogSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = witnessed(store, clock, settings=settings).log
    whole = ask(ALL, log)
    monkeypatch.setattr("pmtui.logs.process_log.MIN_LARGE_BYTES", 0)
    monkeypatch.setattr("pmtui.logs.process_log.MAX_CLOCK_STEP", 0)
    for since in range(NOON - 100, clock.ms, (clock.ms - NOON) // 7):
        for until in range(since, clock.ms + 100, (clock.ms - NOON) // 5):
            found = ask(replace(ALL, since_ms=since, until_ms=until), log)
            assert found == [line for line in whole if rfc3339(since) <= line.time <= rfc3339(until)]
            assert (
                ask(Query(lines=3, since_ms=since, until_ms=until, after=20), log)
                == [line for line in found if line.seq > 20][:3]
            )


@pytest.mark.usefixtures("small_blocks")
def test_pages_after_a_number_hold_the_first_lines_that_match(
    store: LogStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtui.logs.search.query.WINDOW_LINES", 20)
    log = witnessed(store, clock).log
    whole = ask(ALL, log)
    assert paged_forwards(log, 9, Query(stream="stderr")) == [line for line in whole if line.stream == "stderr"]
    assert ask(Query(lines=5, after=40, before=44), log) == whole[40:43]
    assert ask(Query(lines=5, after=log.ring.end), log) == []


def test_pages_of_files_that_were_removed_or_lost_lines_are_complete(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtui.logs.files.block_index.BLOCK_BYTES", 300)
    monkeypatch.setattr("pmtui.logs.files.log_file.RETRY_DELAY", 0.0)
    store = LogStore(tmp_path)
    log = store.open("web", LogSettings(max_size=0, keep=1000))
    log.ring.max_lines = 10
    witness = Witness(log, clock)
    path = tmp_path / "web-stdout.log"
    for run in range(1, 4):
        witness.run(run, 30)
        ask(ALL, log)
        path.rename(tmp_path / f"web-stdout-20261120-12000{run}.log")
        path.mkdir()
        witness.run(run, 5)
        ask(ALL, log)
        path.rmdir()
    witness.run(4, 30)
    (tmp_path / "web-stdout-20261120-120001.log").unlink()
    whole = ask(ALL, log)
    assert len([line for line in whole if "missing here" in line.text]) == 3
    for lines in (1, 7, 50):
        assert paged(log, lines) == whole
    assert paged_forwards(log, 7) == whole
    store.close()


@pytest.mark.usefixtures("no_warnings")
def test_a_page_far_from_the_end_of_a_large_log_is_found_by_counting(tmp_path: Path) -> None:
    """Blocks of their real size, in a file that was replaced after it had been read."""
    for word in ("first", "second", "third"):
        path = tmp_path / "web-stdout.log"
        path.write_bytes(b"".join(b"2026-11-20T17:00:00.123Z %s %07d\n" % (word.encode(), n) for n in range(200_000)))
        store = LogStore(tmp_path)
        log = store.open("web", LogSettings(max_size=0))
        log.start_run(1)
        log.sink("stdout").feed(b"new\n")
        page = ask(Query(lines=3, after=-(10**17)), log)
        assert [(line.seq, line.text) for line in page] == [(n - 199_999, f"{word} {n:07}") for n in range(3)]
        assert [line.text for line in ask(Query(lines=1, before=-99_999), log)] == [f"{word} 0099999"]
        store.close()
