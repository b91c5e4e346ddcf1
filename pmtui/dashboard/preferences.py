"""What the dashboard remembers in `ui.toml`: theme, sort order, layout, log options and custom keys."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli_w

from pmtui.dashboard.keys import BindingError, parse_bindings
from pmtui.dashboard.table.columns import SORTABLE
from pmtui.runtime.files import write_atomic

Layout = Literal["wide", "tall"]
_ASSIGNMENT = re.compile(r"\s*([A-Za-z][\w-]*)\s*=")


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What keys of the dashboard change, and `pmtui` remembers."""

    theme: str | None = None
    sort: str | None = None
    inverted: bool = False
    wrap: bool = False
    times: bool = True
    pretty: bool = True
    layout: Layout = "wide"
    table_rows: int = 0
    folded: tuple[str, ...] = ()


@dataclass
class Preferences:
    """`keys` maps actions to their keys. Without a `path` nothing is remembered. `errors` name what was ignored."""

    settings: Settings = field(default_factory=Settings)
    keys: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    errors: Sequence[str] = ()

    def remember(self, **changes: Any) -> None:
        """Change settings, and write those that changed. A file that cannot be written is left alone."""
        changed = msgspec.structs.replace(self.settings, **changes)
        if changed == self.settings:
            return
        names = [name for name in changes if getattr(changed, name) != getattr(self.settings, name)]
        self.settings = changed
        if self.path is not None:
            values = msgspec.to_builtins(changed)
            encoded = dict(zip(Settings.__struct_fields__, Settings.__struct_encode_fields__, strict=True))
            try:
                _write(self.path, {encoded[name]: values[encoded[name]] for name in names})
            except OSError as error:
                self.errors = [f"{self.path}: {error.strerror}"]


def default_path() -> Path:
    """Return `ui.toml` in the user's config directory."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return Path(base if base and os.path.isabs(base) else Path.home() / ".config") / "pmtui" / "ui.toml"


def load_preferences(path: Path | None = None) -> Preferences:
    """Read the file. What is wrong in it is named in `errors` and ignored; the rest applies."""
    path = path or default_path()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences(path=path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Preferences(errors=[f"{path}: {error}"])
    errors: list[str] = []
    keys = document.pop("keys", {})
    settings = _read_settings(document, errors)
    bindings: Mapping[str, str] = {}
    try:
        bindings = parse_bindings(keys)
    except BindingError as error:
        errors += error.problems
    return Preferences(settings, bindings, path, [f"{path}: {error}" for error in errors])


def _read_settings(document: Mapping[str, Any], errors: list[str]) -> Settings:
    known = Settings.__struct_encode_fields__
    good: dict[str, Any] = {}
    for name, value in document.items():
        if name not in known:
            errors.append(unknown("setting", name, [*known, "keys"]))
            continue
        try:
            msgspec.convert({name: value}, Settings)
        except msgspec.ValidationError as error:
            errors.append(f"{name}: {str(error).partition(' - at')[0]}")
        else:
            if name == "sort" and value not in SORTABLE:
                errors.append(unknown("column", value, SORTABLE))
            else:
                good[name] = value
    return msgspec.convert(good, Settings)


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """Say that a name is unknown, and which one may be meant."""
    close = get_close_matches(name, known, 1)
    return f"unknown {kind} '{name}'" + (f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}")


def _write(path: Path, values: Mapping[str, Any]) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, edited(text, values).encode())


def edited(text: str, values: Mapping[str, Any]) -> str:
    """Set top-level values in a TOML text, and leave everything else, comments too, as it is."""
    lines = text.splitlines()
    first_table = next((place for place, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    for name, value in values.items():
        kept = [line for line in lines[:first_table] if not ((found := _ASSIGNMENT.match(line)) and found[1] == name)]
        written = [] if value is None else [tomli_w.dumps({name: value}, multiline_strings=False).strip()]
        written = [" ".join(part.split()) for part in written]
        lines = [*kept, *written, *lines[first_table:]]
        first_table = len(kept) + len(written)
    return "".join(f"{line}\n" for line in lines)
