"""Parse the bytes of a file to plain values; every error says where it is and what was expected."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from pmtui.config.parsing.problems import Problem, Problems

_NOTATIONS: Mapping[str, "Notation"] = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}

_ENDLESS_KEY = re.compile(r"""(?<![\w.-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){100}""")
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


Notation = Literal["json", "toml", "yaml", "foreign"]


class Document(msgspec.Struct, eq=False, weakref=True):
    """A file's text and values. `notation` decides how paths are written; `foreign`: values of an import, no places."""

    path: str
    notation: Notation
    text: str = ""
    values: Any = None
    _places: Mapping[str, tuple[int, int]] | None = None

    @property
    def directory(self) -> str:
        return os.path.dirname(self.path)

    def position(self, path: str) -> tuple[int, int] | None:
        """Return line and column of a field, or of the nearest one around it."""
        if self._places is None:
            self._places = _find_places(self)
        while path and path not in self._places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._places.get(path) if path else None


def _find_places(document: Document) -> Mapping[str, tuple[int, int]]:
    if document.notation == "foreign":
        return {}
    if document.notation == "yaml":
        from pmtui.config.parsing.yaml import yaml_positions

        return yaml_positions(document.text)
    from pmtui.config.parsing.positions import LineIndex, json_positions, toml_positions

    offsets = (toml_positions if document.notation == "toml" else json_positions)(document.text)
    lines = LineIndex(document.text)
    return {path: lines.position(places[-1]) for path, places in offsets.items()}


class SyntaxProblem(Exception):
    """The text is not valid JSON or TOML."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.problem = Problem("", message, line, column)


def parse(content: bytes, path: str, problems: Problems) -> Document:
    """Return the values of a file. Raises SyntaxProblem; duplicate keys go to `problems`."""
    text = _decode(content)
    if not text.strip():
        raise SyntaxProblem(f"{path} is empty: expected processes (pmtui init writes an example)")
    document = Document(path, notation_of(path), text)
    try:
        document.values = _READERS[document.notation](text, problems)
    except RecursionError:
        raise SyntaxProblem("is nested too deeply") from None
    except SyntaxProblem as error:
        raise _advised(error, document) from None
    return document


def _advised(error: SyntaxProblem, document: Document) -> SyntaxProblem:
    """Return the error with what to do about it, as far as that is clear."""
    from pmtui.config.parsing.advice import toml_advice, wrong_notation

    problem = error.problem
    if advice := wrong_notation(document.text, document.path, document.notation):
        return SyntaxProblem(advice, problem.line, problem.column)
    if document.notation == "toml" and problem.line and problem.column:
        advice = toml_advice(document.text, problem.line, problem.column)
    return SyntaxProblem(f"{problem.message}; {advice}", problem.line, problem.column) if advice else error


def notation_of(path: str) -> Notation:
    """Return the notation that the file's name stands for: JSON unless it says otherwise."""
    return _NOTATIONS.get(os.path.splitext(path)[1].lower(), "json")


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        from pmtui.config.parsing.positions import LineIndex

        before = content[: error.start].decode("utf-8", "replace")
        raise SyntaxProblem("expected UTF-8 text", *LineIndex(before).position(len(before))) from None


def _json(text: str, problems: Problems) -> Any:
    import json

    is_twice = False

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_twice
        values = dict(pairs)
        is_twice = is_twice or len(values) < len(pairs)
        return values

    try:
        values = json.JSONDecoder(object_pairs_hook=table).decode(text)
    except json.JSONDecodeError as error:
        if (comma := _trailing_comma(text, error.pos)) is not None:
            raise comma from None
        message = re.sub("expecting", "expected", error.msg, flags=re.IGNORECASE)
        message = f"{message[0].lower()}{message[1:]}, found {_found(text, error.pos)}"
        raise SyntaxProblem(message, error.lineno, error.colno) from None
    except ValueError:
        raise SyntaxProblem("a number has too many digits") from None
    if is_twice:
        _report_duplicates(text, problems)
    return values


def _trailing_comma(text: str, at: int) -> SyntaxProblem | None:
    from pmtui.config.parsing.advice import trailing_comma
    from pmtui.config.parsing.positions import LineIndex

    comma = trailing_comma(text, at)
    if comma is None:
        return None
    message = f"trailing comma; JSON allows none before {text[at]!a}: remove it"
    return SyntaxProblem(message, *LineIndex(text).position(comma))


def _found(text: str, at: int) -> str:
    """Return a single character: the next one may belong to a secret."""
    if at >= len(text):
        return "the end of the file"
    is_comment = text.startswith(("//", "/*", "#"), at)
    return f"{text[at]!a}; JSON has no comments" if is_comment else ascii(text[at])


def _report_duplicates(text: str, problems: Problems) -> None:
    from pmtui.config.parsing.positions import LineIndex, json_positions

    lines = LineIndex(text)
    for path, offsets in json_positions(text).items():
        if len(offsets) > 1:
            first, second = (lines.position(offset) for offset in offsets[:2])
            where = f"line {first[0]}, column {first[1]} and line {second[0]}, column {second[1]}"
            problems.error(path, f"is written twice: {where}")


def _toml(text: str, _problems: Problems) -> Any:
    """Parse TOML, but refuse keys of a hundred or more parts: tomllib takes quadratic time for them."""
    import tomllib

    if found := _ENDLESS_KEY.search(text):
        from pmtui.config.parsing.positions import LineIndex

        raise SyntaxProblem("expected a key of fewer than 100 parts", *LineIndex(text).position(found.start()))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = _WHERE.search(str(error))
        message = _WHERE.sub("", str(error))
        message = message[0].lower() + message[1:]
        if where and where[1]:
            raise SyntaxProblem(message, int(where[1]), int(where[2])) from None
        from pmtui.config.parsing.positions import LineIndex

        raise SyntaxProblem(f"{message} (at the end of the file)", *LineIndex(text).position(len(text))) from None
    except ValueError:
        raise SyntaxProblem("a number or a date is out of range") from None


def _yaml(text: str, problems: Problems) -> Any:
    from pmtui.config.parsing.yaml import YamlError, parse_yaml

    try:
        return parse_yaml(text, problems)
    except YamlError as error:
        raise SyntaxProblem(str(error), error.line, error.column) from None


_READERS: dict[str, Callable[[str, Problems], Any]] = {"json": _json, "toml": _toml, "yaml": _yaml}
