"""Collect what a foreign file becomes: our fields, and for each foreign field what it became or why it is lost."""

import os
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

_NO_ID = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_ID_LENGTH = 60


class UnsupportedFileError(Exception):
    """The file cannot be converted; the message says what is wrong and where."""


class Note(msgspec.Struct, frozen=True):
    """What became of one setting of the foreign file. `process` is empty for the whole file. Holds no value."""

    process: str
    source: str
    target: str
    reason: str = ""
    is_lost: bool = False


class Imported(msgspec.Struct, frozen=True):
    """Plain values as they go into a file: `settings`, and the fields of each process by id."""

    kind: str
    settings: dict[str, Any]
    processes: dict[str, dict[str, Any]]
    notes: list[Note]

    @property
    def losses(self) -> list[Note]:
        return [note for note in self.notes if note.is_lost]


class ImportContext(msgspec.Struct, frozen=True):
    """Where a file comes from and where it goes: relative paths start at `source` and are read from `target`.

    `environment` is used only for names that the file refers to.
    """

    source: str
    target: str
    environment: Mapping[str, str] = {}

    def path(self, name: str) -> str:
        """Return the path as it has to be written; it stays relative if both directories are the same."""
        name = os.path.expanduser(name)
        if os.path.isabs(name):
            return name
        if self.source == self.target:
            return os.path.normpath(name)
        return os.path.normpath(os.path.join(self.source, name))


def id_of(label: str) -> str:
    """Return the nearest valid id."""
    return _NO_ID.sub("-", label).strip("._-")[:_MAX_ID_LENGTH] or "process"


class ConfigBuilder:
    """Collects the processes of one file and the notes about it."""

    def __init__(self, origin: ImportContext) -> None:
        self.context = origin
        self.settings: dict[str, Any] = {}
        self.processes: dict[str, ProcessBuilder] = {}
        self.notes: list[Note] = []

    def add_process(self, label: str, raw: Mapping[str, Any]) -> "ProcessBuilder":
        """Add a process; its id is the nearest valid one that is not taken."""
        word = id_of(label)
        name, number = word, 2
        while name in self.processes:
            name, number = f"{word}-{number}", number + 1
        self.processes[name] = ProcessBuilder(name, self, raw)
        if name != label:
            self.add_note(name, "name", "id", "written with the letters that an id may have")
        return self.processes[name]

    def add_note(self, process: str, source: str, target: str, reason: str = "") -> None:
        self.notes.append(Note(process, source, target, reason))

    def add_loss(self, process: str, source: str, reason: str) -> None:
        self.notes.append(Note(process, source, "", reason, is_lost=True))

    def drop_process(self, entry: "ProcessBuilder", source: str, reason: str) -> None:
        """Leave out a whole process."""
        del self.processes[entry.id]
        self.add_loss(entry.id, source, f"the process is left out: {reason}")

    def build(self, kind: str) -> Imported:
        return Imported(kind, self.settings, {name: entry.fields for name, entry in self.processes.items()}, self.notes)


class ProcessBuilder:
    """Builds one process. Foreign fields that are popped are accounted for; `close` reports the rest."""

    def __init__(self, name: str, draft: ConfigBuilder, raw: Mapping[str, Any]) -> None:
        self.id = name
        self.fields: dict[str, Any] = {}
        self._builder = draft
        self._remaining = dict(raw)
        self.seen = frozenset(raw)

    def pop(self, key: str) -> Any:
        """Return the foreign field or None; the caller accounts for it from now on."""
        return self._remaining.pop(key, None)

    def put_back(self, key: str, value: Any) -> None:
        """Set a foreign field that is still to be accounted for."""
        self._remaining[key] = value

    def peek(self, key: str) -> Any:
        """Return the foreign field or None; it is still to be accounted for."""
        return self._remaining.get(key)

    def remaining(self) -> list[str]:
        return list(self._remaining)

    def set_fields(self, source: str, reason: str = "", /, **fields: Any) -> None:
        """Set fields (in our spelling) that come from `source`."""
        self.fields |= fields
        self._builder.add_note(self.id, source, ", ".join(fields), reason)

    def set_table_fields(self, source: str, table: str, /, **fields: Any) -> None:
        """Set fields of a table such as `log`."""
        self.fields.setdefault(table, {}).update(fields)
        self._builder.add_note(self.id, source, ", ".join(f"{table}.{name}" for name in fields))

    def add_remark(self, source: str, reason: str) -> None:
        """Note that no field is needed: pmtui does so anyway."""
        self._builder.add_note(self.id, source, "(as always)", reason)

    def add_loss(self, source: str, reason: str) -> None:
        self._builder.add_loss(self.id, source, reason)

    def account_for(self, anyway: Mapping[str, str], lost: Mapping[str, str]) -> None:
        """Report fields that have no counterpart, each with its reason."""
        for key in self.remaining():
            if key in anyway:
                self.pop(key)
                self.add_remark(key, anyway[key])
            elif key in lost:
                value = self.pop(key)
                if not is_off(value):
                    self.add_loss(key, lost[key])

    def close(self) -> None:
        for key in self.remaining():
            self.pop(key)
            self.add_loss(key, "pmtui knows no such field")


def is_off(value: object) -> bool:
    """Return whether a foreign value requests nothing, so that nothing is lost with it."""
    return value is None or value is False or (isinstance(value, Collection) and not value)


def table(value: object) -> dict[str, Any]:
    """Return a copy of a foreign table; an empty one for any other value."""
    return {str(name): item for name, item in value.items()} if isinstance(value, Mapping) else {}


def whole(value: object, default: int = 0) -> int:
    """Return a foreign non-negative integer; the default for any other value."""
    return int(str(value)) if str(value).isascii() and str(value).isdecimal() else default


def texts(value: object) -> list[str]:
    """Return a foreign list of strings, or a single one as a list."""
    return [str(item) for item in (value if isinstance(value, list) else [value])]


def literal(value: object) -> str:
    """Escape a value of a foreign environment: only `${…}` and `$$` have a meaning here."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("$", "$$")


def seconds(value: float) -> str:
    """Format a duration for people."""
    if value < 1 or value != int(value):
        return f"{round(value * 1000)}ms"
    return f"{int(value)}s"
