"""Read the text of a supervisord.conf: sections, includes and `%(name)s`, by the rules of supervisor's parser."""

import configparser
import glob
import os
import re
import shlex
import socket
from collections.abc import Mapping

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError
from pmtui.importers.builder import UnsupportedFileError

MAX_FILE_BYTES = 1 << 20
MARK_START, MARK_END = "\ue000", "\ue001"
"""Around the name of a variable that only the start of a process knows: private characters, in no real value."""

_MARK = re.compile(f"{MARK_START}([^{MARK_END}]*){MARK_END}")
_REFERENCE = re.compile(r"%(?:(%)|\((\w+)\)(0?\d*)([sd]))?")

Sections = dict[str, dict[str, str]]


def parse_sections(text: str, folder: str) -> tuple[Sections, list[str]]:
    """Return the sections in order, including those of included files, and what is wrong with the includes."""
    sections = _parse(text, "it")
    complaints: list[str] = []
    for pattern in sections.pop("include", {}).get("files", "").split():
        pattern = os.path.join(folder, fill(pattern, {"here": folder}))
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
        raise UnsupportedFileError(f"{where} is not an ini file{f': line {line}' if line else ''}") from None
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


def has_marks(text: str) -> bool:
    return MARK_START in text


def template(text: str) -> str:
    """Return a value for `env`, with variables as `${X}`."""
    return _MARK.sub(lambda found: f"${{{found[1]}}}", text.replace("$", "$$"))


def quoted(word: str) -> str:
    """Quote the word for a shell, with its variables expanded by the shell."""
    parts = _MARK.split(word)
    shown = [f'"${{{part}?}}"' if index % 2 else shlex.quote(part) if part else "" for index, part in enumerate(parts)]
    return "".join(shown) or "''"


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
