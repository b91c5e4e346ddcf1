import asyncio
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.store import LogStore
from tests.logs.support import BARE, fed, run_python


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "logs"


@pytest.fixture
def store(no_warnings: None, folder: Path) -> Iterator[LogStore]:
    store = LogStore(folder)
    yield store
    store.close()


def test_lines_are_in_memory_and_in_the_file_with_their_time(store: LogStore, folder: Path) -> None:
    log = fed(store, "web", b"Hello\nWorld\n", settings=LogSettings())
    store.close()
    assert [(line.seq, line.text, line.stream, line.run, line.id) for line in log.ring.lines(1, 10)] == [
        (1, "Hello", "stdout", 1, "web"),
        (2, "World", "stdout", 1, "web"),
    ]
    first, second = (folder / "web-stdout.log").read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z Hello", first)
    assert second == f"{log.ring.lines(2, 1)[0].time} World"


def test_only_the_owner_may_read_the_logs(store: LogStore, folder: Path) -> None:
    fed(store, "web", b"secret\n")
    store.close()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, folder / "web-stdout.log")]
    assert modes == [0o700, 0o700, 0o600]


def test_without_timestamps_the_file_has_exactly_the_bytes(store: LogStore, folder: Path) -> None:
    fed(store, "web", b"\x00\xff\x1b]52;c;aGk=\x07\n", b"half a ", b"line\n")
    store.close()
    assert (folder / "web-stdout.log").read_bytes() == b"\x00\xff\x1b]52;c;aGk=\x07\nhalf a line\n"


def test_a_log_without_file_creates_none(store: LogStore, folder: Path) -> None:
    log = fed(store, "web", b"hello\n", settings=LogSettings(file=False))
    store.close()
    assert not folder.exists()
    assert log.ring.lines(1, 1)[0].text == "hello"


@pytest.mark.usefixtures("no_warnings")
def test_a_store_without_directory_keeps_lines_in_memory_only() -> None:
    store = LogStore(None)
    log = fed(store, "web", b"hello\n")
    store.close()
    assert log.ring.lines(1, 1)[0].text == "hello"


def test_the_tail_is_from_stderr(store: LogStore) -> None:
    log = fed(store, "web", b"out\n")
    log.sink("stderr").feed(b"Traceback\n  File\nValueError: \x1b[31mno\x1b[0m\n")
    assert log.tail(2) == ["  File", "ValueError: no"]
    assert log.tail(10) == ["Traceback", "  File", "ValueError: no"]


def test_the_tail_is_from_stdout_if_this_run_has_no_stderr(store: LogStore) -> None:
    log = store.open("web", BARE)
    log.start_run(1)
    log.sink("stderr").feed(b"an older run\n")
    log.start_run(2)
    sink = log.sink("stdout")
    for text in (b"a\n", b"b\n", b"c\n"):
        sink.feed(text)
    assert log.tail(2) == ["b", "c"]


def test_a_cleared_log_is_empty_and_usable(store: LogStore, folder: Path) -> None:
    log = fed(store, "web", b"old\n")
    log.clear()
    log.sink("stdout").feed(b"new\n")
    store.close()
    assert [(line.seq, line.text) for line in log.ring.lines(1, 10)] == [(2, "new")]
    assert (folder / "web-stdout.log").read_bytes() == b"new\n"


@pytest.mark.usefixtures("no_warnings")
def test_every_chunk_is_echoed() -> None:
    heard: list[tuple[str, str, bytes, int]] = []
    store = LogStore(None, lambda name, stream, ms, data, lines, cut: heard.append((name, stream, data, lines)))
    fed(store, "web", b"one\ntwo", b"\n")
    assert heard == [("web", "stdout", b"one\n", 1), ("web", "stdout", b"two\n", 1)]


def test_bytes_are_counted(store: LogStore) -> None:
    log = fed(store, "web", b"four\nfive", b"\n")
    assert (log.bytes_written, log.dropped_bytes) == (10, 0)


async def test_nothing_printed_just_before_a_crash_is_lost(store: LogStore, folder: Path) -> None:
    pipe_reader = PipeReader(asyncio.get_running_loop())
    code = """import os, sys
for i in range(20000): print(i)
print('dying words', file=sys.stderr, end='', flush=True)
sys.stdout.flush()
os.abort()"""
    log = store.open("web", BARE)
    for run in range(1, 6):
        log.start_run(run)
        await run_python(log, pipe_reader, code)
        assert log.tail(1) == ["dying words"]
    pipe_reader.close()
    store.close()
    assert (folder / "web-stdout.log").read_bytes() == b"".join(b"%d\n" % i for i in range(20000)) * 5
    assert (folder / "web-stderr.log").read_bytes() == b"dying words\n" * 5
