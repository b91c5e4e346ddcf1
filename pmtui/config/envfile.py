"""Read `.env` files as godotenv does: every file that it accepts gives the same values.

The exceptions are in docs/configuration.md: `${NAME:-default}` and `${NAME:?message}`, a byte order mark and names with
`-` are understood too, and a line without a usable name is an error that names it.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError

MAX_FILE_BYTES = 1 << 20

_SPACE = r"[ \t\v\f\r\x85\xa0]"
_SKIPPED = re.compile(r"(?:[\s\x85]+|#[^\n]*)+")
_NAME = re.compile(rf"(?:export{_SPACE}+|(?!export{_SPACE}))([A-Za-z0-9_.-]+){_SPACE}*[=:]{_SPACE}*")
_UNQUOTED = re.compile(r"[^\r\n]*")
_BEFORE_COMMENT = re.compile(rf"(.*{_SPACE})#", re.DOTALL)
_REST = re.compile(rf"{_SPACE}*(?:#|[\r\n]|\Z)")
_ESCAPE = re.compile(r"\\([nr])|\\.")
_ESCAPED = re.compile(r"\\([^$])", re.DOTALL)
_REFERENCE = re.compile(
    r"(?P<escape>\\)?\$(?:\{(?P<name>[A-Za-z_]\w*):(?P<kind>[-?])(?P<word>[^}]*)\}|\(?\{?(?P<plain>[A-Z0-9_]+)?\}?)",
    re.ASCII,
)


class Assignment(NamedTuple):
    """A variable as the file sets it. `is_literal`: it was in single quotes, so that nothing in it is expanded."""

    name: str
    text: str
    is_literal: bool

    def expand(self, names: Mapping[str, str]) -> tuple[str, list[str]]:
        """Return the value, and the names that were not known and became empty.

        Raises ConfigError if a required name is missing.
        """
        unknown: list[str] = []
        if self.is_literal or "$" not in self.text:
            return self.text, unknown

        def fill(found: re.Match[str]) -> str:
            if found["escape"]:
                return found[0][1:]
            name = found["name"] or found["plain"]
            if not name:
                return found[0]
            if found["kind"] and not names.get(name):
                return default_value(name, found["kind"], found["word"])
            if name not in names:
                unknown.append(name)
            return names.get(name, "")

        return _REFERENCE.sub(fill, self.text), unknown


def default_value(name: str, kind: str, word: str) -> str:
    """Return what `${NAME:-word}` is without a value. Raises ConfigError for `${NAME:?word}`."""
    if kind == "?":
        raise ConfigError(f"{name} is not set: {word or 'it is required'}")
    return word


def read_env_file(path: str) -> list[Assignment]:
    """Return what the file sets, in its order. Never blocks.

    Raises ConfigError with file and line if the file cannot be read or understood.
    """
    try:
        text = read_bytes(path, MAX_FILE_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8") from None
    text = text.replace("\r\n", "\n")
    assignments: list[Assignment] = []
    at = _skip(text, 0)
    while at < len(text):
        assignment, end = _assignment(path, text, at)
        if "\0" in assignment.text:
            raise _error(path, text, at, f"{assignment.name} holds a NUL, which no environment can")
        assignments.append(assignment)
        at = _skip(text, end)
    return assignments


def env_file_values(path: str, names: Mapping[str, str]) -> dict[str, str]:
    """Return what the file sets if `names` are set already. Raises ConfigError."""
    known = dict(names)
    assignments = read_env_file(path)
    for assignment in assignments:
        known[assignment.name], _ = assignment.expand(known)
    return {assignment.name: known[assignment.name] for assignment in assignments}


def _skip(text: str, at: int) -> int:
    skipped = _SKIPPED.match(text, at)
    return skipped.end() if skipped else at


def _assignment(path: str, text: str, at: int) -> tuple[Assignment, int]:
    name = _NAME.match(text, at)
    if name is None:
        raise _error(path, text, at, "expected NAME=value")
    quote = text[name.end() : name.end() + 1]
    if quote in ("'", '"'):
        return _quoted(path, text, name, quote)
    line = _UNQUOTED.match(text, name.end())
    assert line is not None
    comment = _BEFORE_COMMENT.match(line[0])
    value = comment[1] if comment else line[0]
    return Assignment(name[1], value.strip(" \t\v\f\r\x85\xa0"), False), line.end()


def _quoted(path: str, text: str, name: re.Match[str], quote: str) -> tuple[Assignment, int]:
    begin = name.end() + 1
    end = text.find(quote, begin)
    while end > 0 and text[end - 1] == "\\":
        end = text.find(quote, end + 1)
    if end < 0:
        raise _error(path, text, name.start(), f"the quotation mark before the value of {name[1]} has no second one")
    if not (_REST.match(text, end + 1) or _NAME.match(text, _skip(text, end + 1))):
        raise _error(path, text, end, f"unexpected text after the quoted value of {name[1]}")
    value = text[begin:end].strip(quote)
    if quote == "'":
        return Assignment(name[1], value, True), end + 1
    value = _ESCAPE.sub(lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[0]), value)
    return Assignment(name[1], _ESCAPED.sub(r"\1", value), False), end + 1


def _error(path: str, text: str, at: int, message: str) -> ConfigError:
    return ConfigError(f"{path}, line {text.count(chr(10), 0, at) + 1}: {message}")
