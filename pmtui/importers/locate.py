"""Find the line of a foreign file that a message is about, without a parser that keeps positions."""

import re
from collections.abc import Sequence

_WORD = "(?<![A-Za-z0-9_-]){}(?![A-Za-z0-9_-])"
_LINE = re.compile(r"\blines? (\d+)")


def find_place(text: str, process: str, source: str) -> tuple[int, int] | None:
    """Return line and column, counted from 1, of the setting `source` of a process; else those of the process."""
    if found := _LINE.fullmatch(source):
        return int(found[1]), 1
    lines = text.splitlines()
    start = _process_line(lines, process) if process else 0
    if start is None:
        return _first(lines, 0, _pattern(source))
    return _first(lines, start, _pattern(source)) or (_first(lines, start, _word(process)) if process else None)


def line_in(message: str) -> int | None:
    """Return the first line number that a message names."""
    found = _LINE.search(message)
    return int(found[1]) if found else None


def _process_line(lines: Sequence[str], process: str) -> int | None:
    """Return the index of the line where the process begins: where its name stands as a key, a section or a name."""
    name = re.escape(process)
    heading = re.compile(rf"""^\s*\[[\w-]+:{name}\]|^\s*["']?{name}["']?\s*:|\bname["']?\s*:\s*["'`]{name}["'`]""")
    for pattern in (heading, _word(process)):
        for index, line in enumerate(lines):
            if pattern.search(line):
                return index
    return None


def _pattern(source: str) -> re.Pattern[str]:
    if not re.fullmatch(r"[\w. -]+", source):
        return re.compile(re.escape(source))
    word = re.escape(re.split(r"[. ]", source)[-1])
    return re.compile(rf"""{_WORD.format(word)}["']?\s*[:=\]]""")


def _word(text: str) -> re.Pattern[str]:
    return re.compile(_WORD.format(re.escape(text)))


def _first(lines: Sequence[str], start: int, pattern: re.Pattern[str]) -> tuple[int, int] | None:
    for index, line in enumerate(lines[start:], start):
        if found := pattern.search(line):
            return index + 1, found.start() + 1
    return None
