from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace

import pytest

from pmtui.control import Stream
from pmtui.dashboard.log_view.display import block_lines, frames_of, headline
from pmtui.dashboard.log_view.entries import EntryLines, group
from pmtui.dashboard.log_view.lines import FilteredLines, Line, LineBuffer

PYTHON = """\
Traceback (most recent call last):
  File "/srv/app/crasher.py", line 10, in <module>
    main()
  File "/srv/app/lib/site-packages/x.py", line 2, in load
KeyError: 'token'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/app/crasher.py", line 6, in decode
RuntimeError: payload of order 4711 has no token"""
NODE = """\
Error: DATABASE_URL is not set
    at Object.<anonymous> (/srv/app/server.js:3:9)
    at Module._compile (node:internal/modules/cjs/loader:1105:14) {
  code: 'EMISSING'
}

Node.js v20.20.2"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: broken
\tat com.example.App.main(App.java:7)
Caused by: java.io.IOException: disk full
\t... 12 more"""
GO = """\
panic: runtime error: index out of range [3]

goroutine 1 [running]:
main.main()
\t/srv/app/main.go:7 +0x1d
exit status 2"""
RUST = """\
thread 'main' panicked at src/main.rs:2:5:
it broke
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"""
BLOCKS = {"python": PYTHON, "node": NODE, "java": JAVA, "go": GO, "rust": RUST}


def line(text: str, ms: int = 0, stream: Stream = "stderr", process_id: str = "a", run: int = 1) -> Line:
    return Line(0, ms, stream, run, text.encode(), process_id)


def lines_of(text: str, **options: object) -> list[Line]:
    return [line(part, **options) for part in text.split("\n")]  # type: ignore[arg-type]


def texts(lines: Sequence[Line]) -> list[str]:
    return [line.data.decode() for line in lines]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_traceback_is_one_entry_between_others(name: str) -> None:
    after = [] if name == "go" else [line("next", stream="stdout"), line("last", ms=5000)]
    found = group([line("before", ms=-5000), *lines_of(BLOCKS[name]), *after])
    assert texts(found) == ["before", BLOCKS[name], *texts(after)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("python", "RuntimeError: payload of order 4711 has no token"),
        ("node", "Error: DATABASE_URL is not set"),
        ("java", "java.io.IOException: disk full"),
        ("go", "panic: runtime error: index out of range [3]"),
        ("rust", "it broke"),
    ],
)
def test_the_first_line_of_a_folded_entry_says_what_happened(name: str, words: str) -> None:
    (entry,) = group(lines_of(BLOCKS[name]))
    assert words in headline(block_lines(entry))


def test_frames_of_libraries_are_left_out() -> None:
    assert frames_of(PYTHON.split("\n")) == ["crasher.py:6 decode", "crasher.py:10 <module>"]
    assert frames_of(NODE.split("\n")) == ["server.js:3 Object.<anonymous>"]


def test_a_traceback_that_is_logged_belongs_to_its_line() -> None:
    logged = ["2026-11-20 ERROR it failed", *PYTHON.split("\n")]
    assert len(group([line(text) for text in logged])) == 1
    apart = [line(logged[0]), *[line(text, ms=500) for text in logged[1:]]]
    assert len(group(apart)) == 2


def test_ordinary_lines_are_not_joined() -> None:
    plain = ["a", "  indented", "at noon", "Caused by: nothing", "", "}"]
    assert texts(group([line(text) for text in plain])) == plain


def test_streams_and_processes_that_write_at_once_do_not_mix() -> None:
    parts = PYTHON.split("\n")[:5]
    mixed = [
        item
        for text in parts
        for item in (line(text), line("out", stream="stdout"), line(text, process_id="b"), line("tick", process_id="c"))
    ]
    found = group(mixed)
    assert sum(b"KeyError" in one.data for one in found) == 2
    assert len(found) == 2 + 2 * len(parts)


def test_a_new_run_and_a_long_pause_end_an_entry() -> None:
    head, *rest = lines_of(PYTHON)
    assert len(group([head, *[one._replace(run=2) for one in rest]])) > 1
    assert len(group([head, *[one._replace(ms=5000) for one in rest]])) > 1


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which only the test moves on."""
    now = [1000.0]
    monkeypatch.setattr("pmtui.dashboard.log_view.entries.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_an_entry_is_held_back_until_it_is_whole(now: list[float]) -> None:
    source = LineBuffer()
    found = EntryLines(source)
    for part in lines_of(PYTHON):
        source.append(part)
        found.pull()
        assert found.end == 0
        now[0] += 0.01
    now[0] += 1
    found.pull()
    assert texts(found.lines(0, 10)) == [PYTHON]


def test_a_filter_sees_the_whole_entry(now: list[float]) -> None:
    source = LineBuffer()
    found = FilteredLines(EntryLines(source), lambda line: b"4711" in line.data)
    for part in lines_of(PYTHON):
        source.append(part)
        found.pull()
        now[0] += 0.01
    source.append(line("next", ms=5000))
    found.pull()
    assert texts(found.lines(0, 10)) == [PYTHON]


def test_only_lines_that_the_source_still_has_are_kept() -> None:
    source = LineBuffer(limit=100)
    found = EntryLines(source)
    for number in range(1000):
        source.append(line(str(number)))
        found.pull()
    assert found.end - found.start == 100
    assert texts(found.lines(found.start, 1000)) == [str(number) for number in range(900, 1000)]
    shown = found.lines(found.start, 1000)
    assert all(right.position == left.position + 1 for left, right in pairwise(shown))
