"""Read the configs of other process managers as documents of our own, with losses as warnings."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from pmtui.config.discovery import CONFIG_NAMES
from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError
from pmtui.config.parsing.parser import Document, SyntaxProblem
from pmtui.config.parsing.problems import Problem, Problems

_NAMES = ("procfile", "process-compose.", "mprocs.", "dekit.")
_PM2_NAMES = ("ecosystem.", "pm2.")
_TREES = (".json", ".yaml", ".yml")
_PROGRAMS = (".js", ".cjs", ".mjs")
_SECTIONS = (".conf", ".ini")
_PROCESS_COMPOSE = re.compile(rb"^processes:[ \t]*(#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*[ \t]+[^\s#-]", re.MULTILINE)
_MPROCS = re.compile(rb"""^["']?procs["']?[ \t]*:""", re.MULTILINE)
_MPROCS_JSON = re.compile(rb"""^\s*\{\s*(?:"\$schema"\s*:\s*"[^"]*"\s*,\s*)?["']?procs["']?\s*:""")
_PM2_YAML = re.compile(rb"^apps:[ \t]*(#.*)?\r?$", re.MULTILINE)
_PM2 = re.compile(rb"""^\s*\{\s*["']?apps["']?\s*:""")
_MAX_PEEKED_BYTES = 1 << 20


def foreign_reader(path: Path) -> Callable[[Path, Problems], Document] | None:
    """Return what reads the file if its name, or its content, is that of another process manager."""
    name = path.name.lower()
    extension = os.path.splitext(name)[1]
    if name in (os.path.basename(known) for known in CONFIG_NAMES):
        return None
    if name.startswith(_NAMES) or extension in (*_PROGRAMS, *_SECTIONS):
        return read_foreign
    if name.startswith(_PM2_NAMES) and extension in _TREES:
        return read_foreign
    if extension in (".yaml", ".yml"):
        text = _peek(path)
        return read_foreign if any(one.search(text) for one in (_PROCESS_COMPOSE, _MPROCS, _PM2_YAML)) else None
    if extension == ".json":
        text = _peek(path)
        return read_foreign if _PM2.match(text) or _MPROCS_JSON.match(text) else None
    return None


def read_foreign(path: Path, problems: Problems) -> Document:
    """Convert the file; what is lost becomes a warning. Raises SyntaxProblem if it cannot be converted."""
    from pmtui.importers.builder import UnsupportedFileError
    from pmtui.importers.detect import import_file
    from pmtui.importers.locate import find_place, line_in

    try:
        imported = import_file(str(path), str(path.parent), os.environ)
    except UnsupportedFileError as error:
        message = str(error).removeprefix(f"{path}: ")
        line = line_in(message)
        raise SyntaxProblem(message, line, line and 1) from None
    text = _peek(path).decode(errors="replace")
    for note in imported.losses:
        owner = f"{note.process}: " if note.process else ""
        line, column = find_place(text, note.process, note.source) or (None, None)
        problems.add(Problem("", f"{owner}{note.source} is lost: {note.reason}", line, column, warning=True))
    return Document(str(path), "foreign", "", {"settings": imported.settings, "process": imported.processes})


def _peek(path: Path) -> bytes:
    try:
        return read_bytes(str(path), _MAX_PEEKED_BYTES)
    except ConfigError:
        return b""
