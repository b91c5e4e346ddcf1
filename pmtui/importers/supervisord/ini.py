"""Read the text of a supervisord.conf: sections, includes and `%(name)s`, by the rules of supervisor's parser."""

import configparser
import glob
import os
import re
import shlex
import socket
from collections.abc import Collection, Mapping

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError
from pmtui.importers.builder import UnsupportedFileError

MAX_FILE_BYTES = 1 << 20
MARK_START, MARK_END = "\ue000", "\ue001"
"""Around the name of a variable that only the start of a process knows: private characters, in no real value."""

_SPLIT_START = "\ue002"
"""In place of MARK_START where the value is split into words."""

_MARK = re.compile(f"{MARK_START}([^{MARK_END}]*){MARK_END}")
_SPLIT_MARK = re.compile(f"{_SPLIT_START}([^{MARK_END}]*){MARK_END}")
_UNQUOTED = re.compile(rf"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|{MARK_START}([^{MARK_END}]*){MARK_END}""", re.DOTALL)
_TEMPLATE = re.compile(r"\{[{%]|<%|^[ \t]*@(if|foreach)\b", re.MULTILINE)
_REFERENCE = re.compile(r"%(?:(%)|\((\w+)\)(0?\d*)([sd]))?")

Sections = dict[str, dict[str, str]]


def parse_sections(text: str, folder: str, environment: Mapping[str, str]) -> tuple[Sections, list[str]]:
    """Return the sections in order, including those of included files, and what is wrong with the includes."""
    sections = _parse(text, "it")
    complaints: list[str] = []
    for pattern in sections.pop("include", {}).get("files", "").split():
        pattern = os.path.join(folder, known(fill(pattern, base_names(folder)), environment))
        paths = sorted(glob.glob(pattern))
        if not paths:
            complaints.append(f"include {pattern} matches no file")
        for path in paths:
            try:
                included = _parse(read_bytes(path, MAX_FILE_BYTES).decode("utf-8-sig", "replace"), path)
            except ConfigError as error:
                raise UnsupportedFileError(str(error)) from None
            for name, values in included.items():
                sections.setdefault(name, {}).update(values | {"\0here": os.path.dirname(path)})
    return sections, complaints


def _parse(text: str, where: str) -> Sections:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((number for number, _ in getattr(error, "errors", [])), None)
        advice = "; it is a template: fill it in first" if _TEMPLATE.search(text) else ""
        raise UnsupportedFileError(f"{where} is not an ini file{f': line {line}' if line else ''}{advice}") from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def fill(text: str, names: Mapping[str, str | int]) -> str:
    """Expand `%(name)s`. `ENV_X` becomes a mark for the variable X. Raises UnsupportedFileError on unknown names."""

    def one(found: re.Match[str]) -> str:
        percent, name, width, kind = found.groups()
        if percent:
            return "%"
        if name is None:
            raise UnsupportedFileError("a lone %: supervisor requires %% or %(name)s")
        if name.startswith("ENV_"):
            return f"{MARK_START}{name[4:]}{MARK_END}"
        if name not in names:
            raise UnsupportedFileError(f"%({name})s is unknown")
        return f"%{width}{kind}" % (int(names[name]) if kind == "d" else names[name])

    return _REFERENCE.sub(one, text)


def base_names(folder: str) -> dict[str, str | int]:
    return {"here": folder, "host_node_name": socket.gethostname()}


def marked(text: str) -> list[str]:
    """Return the names of the variables in the text."""
    return [str(name) for name in _MARK.findall(text)]


def has_marks(text: str) -> bool:
    return MARK_START in text


def template(text: str, hidden: Collection[str], environment: Mapping[str, str]) -> str:
    """Return a value for `env`, with variables as `${X}`; those that are `hidden` by other values are filled in now.

    Raises UnsupportedFileError if one of these is missing.
    """

    def one(found: re.Match[str]) -> str:
        return known(found[0], environment).replace("$", "$$") if found[1] in hidden else f"${{{found[1]}}}"

    return _MARK.sub(one, text.replace("$", "$$"))


def mark_lists(text: str, values: Mapping[str, str]) -> str:
    """Mark variables that are several words now: supervisor splits a command after it has filled it in."""

    def one(found: re.Match[str]) -> str:
        is_list = found[1] is not None and len(values.get(found[1], "").split()) > 1
        return found[0].replace(MARK_START, _SPLIT_START) if is_list else found[0]

    return _UNQUOTED.sub(one, text)


def shell_line(words: list[str]) -> str:
    """Return the words as a shell takes them, which fills in their variables."""
    line = " ".join(_quoted(word) for word in words)
    return f"set -f; exec {line}" if any(_SPLIT_START in word for word in words) else f"exec {line}"


def _quoted(word: str) -> str:
    lists = _SPLIT_MARK.split(word)
    shown = [f"${{{part}?}}" if index % 2 else _quoted_text(part) for index, part in enumerate(lists)]
    return "".join(shown) or "''"


def _quoted_text(text: str) -> str:
    parts = _MARK.split(text)
    shown = [f'"${{{part}?}}"' if index % 2 else shlex.quote(part) if part else "" for index, part in enumerate(parts)]
    return "".join(shown)


def known(text: str, environment: Mapping[str, str]) -> str:
    """Expand the variables from this environment. Raises UnsupportedFileError if one is missing."""

    def one(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise UnsupportedFileError(f"%(ENV_{found[1]})s: {found[1]} is not set here; set it and import again")
        return environment[found[1]]

    return _MARK.sub(one, text)


def pairs(text: str) -> dict[str, str]:
    """Parse `A="1",B=x` as supervisor does. Raises UnsupportedFileError."""
    lexer = shlex.shlex(text)
    lexer.wordchars += f"/.+-():{MARK_START}{MARK_END}"
    try:
        tokens = list(lexer)
    except ValueError as error:
        raise UnsupportedFileError(f"environment: {str(error).lower()}") from None
    values: dict[str, str] = {}
    for at in range(0, len(tokens), 4):
        name, *rest = tokens[at : at + 3]
        if len(rest) != 2 or rest[0] != "=":
            raise UnsupportedFileError(f"environment: expected NAME=value pairs, at {name}")
        values[name] = rest[1].strip("'\"")
    return values
