"""Pages of a log: each line exactly once, and no answer over its budget."""

import re
from collections.abc import Sequence
from typing import Unpack

import pytest

from pmtui.control import InvalidError, Level, LogLine, PageQuery
from pmtui.logs.search.levels import LEVELS, parse_level
from pmtui.mcp.budget import fill
from pmtui.mcp.logs import PAGE_LINES, read_page
from tests.eventually import DEADLINE
from tests.fake_control import NOON

BUDGET = 400


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """End no page early because the machine is slow."""
    monkeypatch.setattr("pmtui.mcp.logs.MAX_SECONDS", DEADLINE)


class Log:
    """Answers like `Control.logs` for lines numbered from `first`, and counts what it returned at most."""

    def __init__(self, texts: Sequence[str], first: int = 1) -> None:
        self.most = 0
        self._lines = [
            LogLine(seq=first + number, time=NOON, stream="stdout", text=text, run=1, id="web", level=level_of(text))
            for number, text in enumerate(texts)
        ]

    async def logs(self, process_id: str, **query: Unpack[PageQuery]) -> Sequence[LogLine]:
        before, after = query.get("before", 10**18), query.get("after")
        pattern, lowest = re.compile(query.get("grep", "")), parse_level(query.get("level", "trace"))
        levels = LEVELS[LEVELS.index(lowest) :]
        found = [
            line
            for line in self._lines
            if (after is None or line.seq > after) and line.seq < before and line.level in levels
            if pattern.search(line.text)
        ]
        lines = query.get("lines", 100)
        found = found[-lines:] if after is None else found[:lines]
        self.most = max(self.most, len(found))
        return found


def level_of(text: str) -> Level:
    return "error" if text.startswith("bad") else "info"


async def read(
    log: Log, cursor: str = "", grep: str = "", level: str = "", max_chars: int = 400
) -> tuple[list[str], str]:
    answer = await read_page(log.logs, "web", cursor, grep, level, max_chars)
    assert len(answer) <= max_chars
    *lines, last = answer.splitlines()
    return [line[9:] for line in lines], last.partition("cursor: ")[2].split()[0]


async def read_all(log: Log, cursor: str, grep: str = "", level: str = "") -> list[str]:
    found, before = list[str](), ""
    while cursor != before:
        lines, following = await read(log, cursor, grep, level)
        found += lines
        before, cursor = cursor, following
    return found


@pytest.mark.parametrize("first", [1, -700])
async def test_cursors_read_every_line_once_in_bounded_memory(first: int) -> None:
    texts = [f"line {number}" for number in range(1500)]
    log = Log(texts, first)
    assert await read_all(log, str(first - 1)) == texts
    assert await read_all(log, "start") == texts
    assert log.most <= PAGE_LINES


async def test_without_a_cursor_the_newest_lines_are_returned() -> None:
    log = Log([f"line {number}" for number in range(1500)])
    lines, cursor = await read(log)
    assert lines[-1] == "line 1499"
    assert len(lines) > 5
    assert (cursor, (await read(log, cursor))) == ("1500", ([], "1500"))


async def test_filters_apply_to_both() -> None:
    log = Log(["good", "bad one", "good", "bad two"])
    assert (await read(log, grep="two"))[0] == ["bad two"]
    assert await read_all(log, "0", grep="^bad") == ["bad one", "bad two"]
    assert await read_all(log, "0", level="warn") == ["bad one", "bad two"]


async def test_a_search_without_a_match_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.mcp.logs.MAX_SECONDS", 0.0)
    monkeypatch.setattr("pmtui.mcp.logs.WINDOW_LINES", 100)
    log = Log(["x"] * 1010 + ["needle"])
    assert await read(log, "0", grep="needle") == ([], "0")
    monkeypatch.setattr("pmtui.mcp.logs.MAX_SECONDS", DEADLINE)
    assert await read(log, "300", grep="needle") == (["needle"], "1011")


async def test_a_line_longer_than_the_budget_is_cut_and_passed() -> None:
    log = Log(["x" * 5000, "after"])
    lines, cursor = await read(log, "0")
    assert (lines[0][-1], cursor) == ("…", "1")
    assert (await read(log, cursor))[0] == ["after"]


async def test_a_cursor_of_a_former_manager_begins_again() -> None:
    lines, _ = await read(Log(["one"]), "900")
    assert lines[-1] == "one"


@pytest.mark.parametrize("cursor", ["x", "1.5", "first"])
async def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError, match="is no cursor"):
        await read(Log(["one"]), cursor)


@pytest.mark.parametrize("lines", [["x" * 1000], ["abc"] * 1000, [], ["short"], ["y" * 150, "z" * 1000]])
def test_an_answer_is_never_over_its_budget(lines: list[str]) -> None:
    assert len(fill(lines, 200)) <= 200
    assert len(fill(lines, 0)) <= 200
