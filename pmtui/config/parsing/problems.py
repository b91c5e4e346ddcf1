"""Collect what is wrong with a config, and where."""

import json
import re
from collections.abc import Collection, Iterable

import msgspec

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_SUGGESTIONS = 30
"""Suggestions are slow to find; a file with more errors than that has other problems."""


class Problem(msgspec.Struct, frozen=True):
    """One error or warning. `path` is the field (empty: the whole file); `line` and `column` count from 1; `file` is
    relative to the config's directory.
    """

    path: str
    message: str
    line: int | None = None
    column: int | None = None
    warning: bool = False
    file: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{self.path}: {self.message}"
        return f"line {self.line}, column {self.column}: {self.message}" if self.line else self.message

    @property
    def located(self) -> str:
        """The problem behind its file, line and column, in the format of compilers."""
        text = f"{self.path}: {self.message}" if self.path else self.message
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {text}" if where else text


class Problems:
    """Collects problems so that all of them are reported at once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.errors = 0
        self._suggestions = 0

    def add(self, problem: Problem) -> None:
        self.errors += not problem.warning
        self.found.append(problem)

    def error(self, path: str, message: str) -> None:
        self.errors += 1
        self.found.append(Problem(path, message))

    def warn(self, path: str, message: str) -> None:
        self.found.append(Problem(path, message, warning=True))

    def suggest(self, word: str, words: Iterable[str]) -> str:
        """Return `, did you mean …?` if one of the words resembles this one."""
        self._suggestions += 1
        if len(word) > 40 or self._suggestions > _MAX_SUGGESTIONS:
            return ""
        import difflib

        by_letters = {known.lower(): known for known in words}
        near = difflib.get_close_matches(word.lower(), by_letters, n=1)
        return f", did you mean {by_letters[near[0]]}?" if near else ""

    def suggest_field(self, kind: str, word: str, words: Collection[str]) -> str:
        """Return the end of a message about an unknown field: what other process managers mean by it, or `suggest`."""
        from pmtui.config.aliases import alias_text, find_alias

        alias = find_alias(kind, word, words) if len(word) <= 40 else None
        return alias_text(alias) if alias else self.suggest(word, words)


def join(path: str, key: str) -> str:
    """Return the path of a field; unusual keys are quoted, so that they are harmless on a terminal."""
    if not _PLAIN_KEY.fullmatch(key):
        key = json.dumps(key[:64])
    return f"{path}.{key}" if path else key
