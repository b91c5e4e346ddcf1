"""Locate fields in a text. Used only once something is wrong: parsers that track positions are slow."""

import bisect
import json
import re
from collections.abc import Iterator

from pmtui.config.parsing.problems import join

_JSON_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_TOML_HEADER = re.compile(r"[ \t]*\[([^\[\]]+)\][ \t]*(?:#.*)?")
_TOML_KEY = re.compile(r"""[ \t]*((?:[\w.-]|"[^"]*"|'[^']*')+)[ \t]*=""")
_TOML_PART = re.compile(r"""("[^"]*")|'([^']*)'|([\w-]+)""")
_MAX_DEPTH = 8


def json_positions(text: str) -> dict[str, list[int]]:
    """Return the offsets of every field of a valid JSON text; a duplicate key has two."""
    places: dict[str, list[int]] = {}
    for path, offset in _json_fields(text):
        places.setdefault(path, []).append(offset)
    return places


def _json_fields(text: str) -> Iterator[tuple[str, int]]:
    frames: list[tuple[str, int | None]] = []  # of what is open: its path, and the number of the item if it is a list
    here, before = "processes" if text.lstrip().startswith("[") else "", ""
    for token in _JSON_TOKEN.finditer(text):
        word = token[0]
        path, item = frames[-1] if frames else ("", None)
        is_deep = len(frames) > _MAX_DEPTH
        if word == ",":
            frames[-1] = (path, None if item is None else item + 1)
        elif word in "]}":
            frames.pop()
        elif item is not None and before in ("[", ",") and not is_deep:
            here = f"{path}[{item}]"
            yield here, token.start()
        elif item is None and before in ("{", ",") and not is_deep:
            here = join(path, json.loads(word))
            yield here, token.start()
        if word in "[{":
            frames.append((here, 0 if word == "[" else None))
        before = word


def toml_positions(text: str) -> dict[str, list[int]]:
    """Return the offsets of the tables, and of the keys at the start of a line, of a valid TOML text."""
    places: dict[str, list[int]] = {}
    tables, offset = [""], 0
    for line in text.split("\n"):
        if header := _TOML_HEADER.fullmatch(line.rstrip("\r")):
            tables = _toml_paths("", header[1])
            for table in tables:
                places.setdefault(table, [offset])
        elif key := _TOML_KEY.match(line):
            places.setdefault(_toml_paths(tables[-1], key[1])[-1], [offset + key.start(1)])
        offset += len(line) + 1
    return places


def _toml_paths(path: str, keys: str) -> list[str]:
    """Return the path of each prefix of dotted keys."""
    paths = [path]
    for quoted, literal, bare in _TOML_PART.findall(keys)[:_MAX_DEPTH]:
        paths.append(join(paths[-1], quoted[1:-1] or literal or bare))
    return paths


class LineIndex:
    """Converts offsets in a text to lines and columns, counted from 1."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def position(self, offset: int) -> tuple[int, int]:
        line = bisect.bisect_left(self._ends, offset)
        return line + 1, offset - (self._ends[line - 1] if line else -1)
