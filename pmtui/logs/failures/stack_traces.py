"""Find exceptions of runtimes that print a stack of `at …` lines: Node, Bun, Deno, the JVM and .NET."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple


class FoundException(NamedTuple):
    """Its message, and the index of the last line that belongs to it."""

    message: str
    last: int


MAX_HEADER_DISTANCE = 25
"""Lines between the message of an exception and its first frame."""
MAX_DUMP_LINES = 200
"""Lines that Node prints of an error and its properties."""

THROWN_AT = re.compile(r"\S.*:\d+$")
"""Where Node says that something was thrown: the first line of its report."""
FRAME = re.compile(r"\s+at (?!https?://)\S.*(?:[(:]\S*:\d+|\(.*\)|<anonymous>)")
WORDS = re.compile(r"\s*\S")
_JVM_FRAME = re.compile(r"(?:\t|   )at ")
_STACK_PART = re.compile(r"\s+\S|Caused by: |Emitted 'error' event|[}\]]+,?$|\.\.\. \d+ (?:more|lines)")
_CARET = re.compile(r"\s*\^+\s*$")
_NAMED = re.compile(
    r"(?:^|(?<=[\s\[(\"]))(?:\w[\w$]*[./])*[\w$]*"
    r"(?:(?:Error|Exception|Throwable|Rejection)(?: \[\w+\])?|\w \[\w*Error\])(?=: |:?$|\] \{$|\]$)"
)
_UNCAUGHT = re.compile(
    r"(?:error: )?Uncaught (?:\(in promise\) )?|Exception in thread \".*?\" |Unhandled [Ee]xception[.:] "
)
_JVM_CAUSE = re.compile(r"(?:Caused by:|\s*--->) +(\S.*)")
_JS_CAUSE = re.compile(r"(?:\s+\[cause\]:|Caused by:) (?:Error: )?(\S.*?)(?: \{)?$")
_NODE_MEMBERS = re.compile(r"\s+\[errors\]: \[")
_REJECTED = re.compile(r"(UnhandledPromiseRejection): .* rejected with the reason \"(.*)\"\.")
_NODE_VERSION = re.compile(r"Node\.js v\d")
_BUN_SOURCE = re.compile(r" *\d+ \| ")


def first_index(lines: Sequence[str], pattern: re.Pattern[str], begin: int, count: int) -> int | None:
    """Return the index of the first of `count` lines that matches."""
    return next((i for i in range(begin, min(begin + count, len(lines))) if pattern.match(lines[i])), None)


def last_index(lines: Sequence[str], pattern: re.Pattern[str], at: int) -> int:
    """Return the index of the last of the lines after `at` that match without a gap, or `at`."""
    return at + sum(1 for _ in takewhile(pattern.match, lines[at + 1 :]))


def completed(message: str, below: Sequence[str]) -> str:
    """Return the message, with the next line if it ends in a colon, as those of assertions do."""
    following = first_index(below, WORDS, 0, 2)
    if not message.endswith(":") or following is None or FRAME.match(below[following]):
        return message
    return f"{message} {below[following].strip()}"


def find_in_node_report(lines: Sequence[str], at: int) -> FoundException | None:
    """Node prints the place, the source line, a caret, and then the error, or whatever else was thrown."""
    caret = first_index(lines, _CARET, at + 1, 3)
    header = None if caret is None else first_index(lines, WORDS, caret + 1, 3)
    if header is None:
        return None
    last = first_index(lines, _NODE_VERSION, header, MAX_DUMP_LINES) or last_index(lines, _STACK_PART, header)
    return FoundException(_js_message(lines[header], lines[header + 1 : last + 1]), last)


def find_above_frames(lines: Sequence[str], at: int) -> FoundException | None:
    """The message is above the first frame, which is at `at`; the causes are below."""
    header = _header_above(lines, at)
    if header is None:
        return None
    last = last_index(lines, _STACK_PART, at)
    below = lines[header + 1 : last + 1]
    if _JVM_FRAME.match(lines[at]):
        causes = [found[1] for line in below if (found := _JVM_CAUSE.match(line))]
        return FoundException(causes[-1] if causes else _named(lines[header], below), last)
    for index, cause in _bun_causes(lines, last):
        last = index
        below = [*below, f"Caused by: {cause}"]
    return FoundException(_js_message(lines[header], below), last)


def _header_above(lines: Sequence[str], at: int) -> int | None:
    """Look for the line that names the exception, else take the one right above the frames."""
    nearest = None
    for index in range(at - 1, max(at - MAX_HEADER_DISTANCE, 0) - 1, -1):
        line = lines[index]
        if _NAMED.search(line) or line.startswith("error: "):
            return index
        is_caret = _CARET.match(line) is not None
        if FRAME.match(line) or (is_caret and nearest is not None):
            break
        if nearest is None and line.strip() and not is_caret:
            nearest = index
    return nearest


def _bun_causes(lines: Sequence[str], last: int) -> Iterator[tuple[int, str]]:
    """Return the end and the message of a cause, which Bun prints as a separate error below an empty line."""
    while last + 2 < len(lines) and _BUN_SOURCE.match(lines[last + 2]):
        header = last_index(lines, _BUN_SOURCE, last + 1) + 2
        if header >= len(lines):
            return
        last = last_index(lines, _STACK_PART, header)
        yield last, lines[header].removeprefix("error: ")


def _js_message(header: str, below: Sequence[str]) -> str:
    if rejected := _REJECTED.search(header):
        return f"{rejected[1]}: {rejected[2]}"
    message = _named(header, below)
    causes = [found[1] for line in below if (found := _JS_CAUSE.match(line))]
    members = first_index(below, _NODE_MEMBERS, 0, len(below))
    if members is not None and members + 1 < len(below):
        causes.append(below[members + 1].strip().removeprefix("Error: ").rstrip(",]"))
    return ": ".join([message.removesuffix(":"), causes[0]]) if causes else message


def _named(header: str, below: Sequence[str]) -> str:
    """The message from the name of the exception on."""
    line = _UNCAUGHT.sub("", header, count=1)
    if line == header and not line.startswith("error: ") and (name := _NAMED.search(line)):
        line = line[name.start() :]
        if header[: name.start()].endswith("["):
            line = re.sub(r"\](?: \{)?$", "", line)
    return completed(line.removesuffix(" {").rstrip(), below)
