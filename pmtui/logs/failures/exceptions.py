"""Find exceptions in the output of programs: one recognizer for each way in which a runtime prints them.

To support another runtime, add a row to `_RECOGNIZERS` and a file to tests/logs/failures/endings.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from pmtui.logs.failures.stack_traces import (
    FRAME,
    THROWN_AT,
    WORDS,
    FoundException,
    completed,
    find_above_frames,
    find_in_node_report,
    first_index,
    last_index,
)

Recognizer = Callable[[Sequence[str], int], FoundException | None]

_INDENTED = re.compile(r"\s+\S")
_GROUP_EDGE = re.compile(r" *[|+] ?")
_GROUP_MEMBER = re.compile(r"-?\+?-{3,}")
_GROUP_SIZE = re.compile(r"\(\d+ sub-exceptions?\)$")
_GO_DUMP = re.compile(r"goroutine \d+ |runtime stack:")
_RUST = re.compile(r"thread '.*' (?:\(\d+\) )?panicked at (?:'(.*)', \S+:\d+|\S+:$)")
_RUST_STACK = re.compile(r"stack backtrace:|note: |\s+\d+: |\s+at ")
_RUBY = re.compile(r"\S[^`']*:\d+:in [`'][^']*': (.*\((?:\w+::)*\w+\))$")
_RUBY_STACK = re.compile(r"\tfrom |\S[^`']*:\d+:in [`'][^']*': ")
_PHP = re.compile(r"(?:PHP )?(?:Fatal|Parse) error: +(?:Uncaught )?(.*)")
_PHP_STACK = re.compile(r"Stack trace:|#\d+ |\s+thrown in ")
_CPP = re.compile(r"terminate called after throwing an instance of '(.*)'")
_CPP_MESSAGE = re.compile(r"\s+what\(\): +(\S.*)")
_ELIXIR = re.compile(r"\*\* \(([\w.]+)\) (.*)")
_CAUSE_NUMBER = re.compile(r"\s*(?:\d+: )?")


def find_exceptions(lines: Sequence[str]) -> Iterator[FoundException]:
    """Yield the exceptions in these lines of one stream, oldest first."""
    at = 0
    while at < len(lines):
        found = _recognize(lines, at)
        if found:
            yield found
        at = max(found.last, at) + 1 if found else at + 1


def _recognize(lines: Sequence[str], at: int) -> FoundException | None:
    for trigger, recognizer in _RECOGNIZERS:
        if trigger.match(lines[at]) and (found := recognizer(lines, at)):
            return found
    return None


def _python(lines: Sequence[str], at: int) -> FoundException | None:
    indent = len(lines[at]) - len(lines[at].lstrip())
    for index in range(at + 1, len(lines)):
        line = lines[index]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            return FoundException(completed(line.strip(), lines[index + 1 :]), index)
    return None


def _python_group(lines: Sequence[str], at: int) -> FoundException | None:
    """Take the first exception of the group: the message of the group itself only counts them."""
    last = last_index(lines, _GROUP_EDGE, at)
    bare = [_GROUP_EDGE.sub("", line, count=1) for line in lines[at : last + 1]]
    begins = [0, *(index + 1 for index, line in enumerate(bare) if _GROUP_MEMBER.match(line))]
    found = [_group_member(bare[begin:]) for begin in begins if begin < len(bare)]
    members = [message for message in found if message and not _GROUP_SIZE.search(message)]
    if not members:
        return None
    more = f" (and {len(members) - 1} more)" if len(members) > 1 else ""
    return FoundException(members[0] + more, last)


def _group_member(lines: Sequence[str]) -> str:
    if "Traceback (most recent call last):" not in lines[0]:
        return lines[0]
    found = _python(lines, 0)
    return found.message if found else ""


def _go(lines: Sequence[str], at: int) -> FoundException | None:
    """A panic ends the program: all that follows is its dump."""
    dump = first_index(lines, _GO_DUMP, at + 1, len(lines))
    if dump is None:
        return None
    panics = [text for line in lines[at:dump] if (text := line.strip()).startswith(("panic: ", "fatal error: "))]
    return FoundException(re.sub(r" \[recovered.*\]$", "", panics[-1]), len(lines) - 1)


def _rust(lines: Sequence[str], at: int) -> FoundException | None:
    found = _RUST.match(lines[at])
    message = at if found and found[1] else first_index(lines, WORDS, at + 1, 2)
    if found is None or message is None:
        return None
    return FoundException(found[1] or lines[message], last_index(lines, _RUST_STACK, message))


def _rust_causes(lines: Sequence[str], at: int) -> FoundException | None:
    """Errors that main returned, by anyhow or eyre: an empty line, and the causes, the innermost one last."""
    if list(lines[at + 1 : at + 3]) != ["", "Caused by:"]:
        return None
    last = last_index(lines, _INDENTED, at + 2)
    causes = [_CAUSE_NUMBER.sub("", line, count=1) for line in lines[at + 3 : last + 1]]
    return FoundException(": ".join([lines[at], *causes[-1:]]), last)


def _ruby(lines: Sequence[str], at: int) -> FoundException | None:
    found = _RUBY.match(lines[at])
    return FoundException(found[1], last_index(lines, _RUBY_STACK, at)) if found else None


def _php(lines: Sequence[str], at: int) -> FoundException | None:
    found = _PHP.match(lines[at])
    return FoundException(found[1], last_index(lines, _PHP_STACK, at)) if found else None


def _cpp(lines: Sequence[str], at: int) -> FoundException | None:
    found = _CPP.match(lines[at])
    what = _CPP_MESSAGE.match(lines[at + 1]) if at + 1 < len(lines) else None
    if found and what:
        return FoundException(f"{found[1]}: {what[1]}", at + 1)
    return FoundException(found[1], at) if found else None


def _lua(lines: Sequence[str], at: int) -> FoundException | None:
    return FoundException(lines[at - 1], last_index(lines, _INDENTED, at)) if at else None


def _elixir(lines: Sequence[str], at: int) -> FoundException | None:
    found = _ELIXIR.match(lines[at])
    return FoundException(f"{found[1]}: {found[2]}", last_index(lines, _INDENTED, at)) if found else None


def _spring(lines: Sequence[str], at: int) -> FoundException | None:
    """Spring's report of a start that failed has the headings Description and Action."""
    message = first_index(lines, WORDS, at + 1, 3)
    if message is None or first_index(lines, re.compile("Action:$"), message, 20) is None:
        return None
    return FoundException(lines[message], len(lines) - 1)


_RECOGNIZERS: tuple[tuple[re.Pattern[str], Recognizer], ...] = (
    (re.compile(r" *\+ Exception Group Traceback \(most recent call last\):"), _python_group),
    (re.compile(r"\s*Traceback \(most recent call last\):"), _python),
    (THROWN_AT, find_in_node_report),
    (FRAME, find_above_frames),
    (re.compile(r"(?:panic|fatal error): "), _go),
    (_RUST, _rust),
    (re.compile(r"Error: "), _rust_causes),
    (_RUBY, _ruby),
    (_PHP, _php),
    (_CPP, _cpp),
    (re.compile(r"stack traceback:$"), _lua),
    (_ELIXIR, _elixir),
    (re.compile(r"Description:$"), _spring),
)
