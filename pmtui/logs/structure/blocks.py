"""Which lines continue the one before them: the tracebacks of Python, Node, Java, Go and Rust."""

import re
from collections.abc import Callable
from typing import Literal

MAX_BLOCK_LINES = 500
State = Literal["python", "python-end", "python-between", "frames", "go", "go-dump", "rust"]
"""What a block has come to. Its lines are on one stream, in one run."""

_PYTHON = re.compile(r"\s*(?:\+ Exception Group )?Traceback \(most recent call last\):")
_PYTHON_CHAIN = re.compile(r"(?:During handling of the above|The above exception was the direct)")
_GO = re.compile(r"(?:panic|fatal error): ")
_GO_DUMP = re.compile(r"goroutine \d+ |\[signal |\s*panic: |runtime stack:|$")
_RUST = re.compile(r"thread '.*' (?:\(\d+\) )?panicked at ")
_FRAME = re.compile(r"\s+at (?!https?://)\S.*(?:[(:]\S*:\d+|\(.*\)|<anonymous>)")
_STACK_PART = re.compile(
    r"\s+\S|Caused by: |Suppressed: |[}\]]+,?$|\s*\.\.\. \d+ more|Node\.js v\d|note: |stack backtrace:|$"
)


def opens(text: str) -> State | None:
    """Return the state of the block that the line opens by itself."""
    if _PYTHON.match(text):
        return "python"
    if _GO.match(text):
        return "go"
    return "rust" if _RUST.match(text) else None


def joins(text: str) -> State | None:
    """Return the state of the block that the line makes of the one before it, if that is an error or a message."""
    return "frames" if _FRAME.match(text) else None


def continues(state: State, text: str) -> State | None:
    """Return the state after a line that continues the block, or None if it does not."""
    return _RULES[state](text)


def _python(text: str) -> State | None:
    return "python" if not text or text[0] in " \t|" else "python-end"


def _python_end(text: str) -> State | None:
    if _PYTHON_CHAIN.match(text):
        return "python-between"
    return "python-end" if not text or text[0] in " \t" else None


def _python_between(text: str) -> State | None:
    if _PYTHON.match(text):
        return "python"
    return None if text else "python-between"


def _frames(text: str) -> State | None:
    return "frames" if _STACK_PART.match(text) else None


def _go(text: str) -> State | None:
    return "go-dump" if _GO_DUMP.match(text) else None


def _go_dump(text: str) -> State | None:
    """A panic ends the program: everything that follows is its dump."""
    return "go-dump"


def _rust(text: str) -> State | None:
    """The message is on the line after the first one."""
    return "frames" if text else None


_RULES: dict[State, Callable[[str], State | None]] = {
    "python": _python,
    "python-end": _python_end,
    "python-between": _python_between,
    "frames": _frames,
    "go": _go,
    "go-dump": _go_dump,
    "rust": _rust,
}
