"""The reference tables of the documentation, generated from the code: `python -m tests.reference` rewrites them."""

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import inspect as types

from pmtui.api.endpoints import ENDPOINTS, Endpoint
from pmtui.cli import root
from pmtui.cli.completion import flags_of
from pmtui.cli.main import COMMANDS, command_module
from pmtui.config.model import (
    Health,
    HistorySettings,
    Limits,
    LogSettings,
    PocketBase,
    PocketBaseRoute,
    ProcessConfig,
    Settings,
    Struct,
)
from pmtui.config.parsing.decode import is_internal
from pmtui.config.schema import descriptions
from pmtui.dashboard.actions import ACTIONS
from pmtui.text.units import parse_duration, parse_size
from tests.env_spellings import PROGRAMS, spelling_rows

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
EVERYWHERE = {"-h", "--help", "-c", "--config", "--pmConfig", "--url"}
"""Options that are explained above the table."""
WORDS: dict[type[types.Type], str] = {
    types.StrType: "string",
    types.BoolType: "true or false",
    types.IntType: "number",
    types.ListType: "list",
    types.DictType: "table",
    types.StructType: "table",
}
ALSO_TAKEN = {
    "env_file": "string or list",
    "watch_paths": "string or list",
    "watch_ignore": "string or list",
    "depends_on": "list or table",
    "umask": "string or number",
    "stop_command": "string or list",
    "stdin": "string or true",
    "labels": "string or list",
    "history": "`false` or table",
}
"""Fields that accept more than the type they are converted to."""


def filled(text: str) -> str:
    """Return the text with every table regenerated."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def fields(kind: type[Struct]) -> str:
    """One row per field that a config file can set."""
    meanings = descriptions(kind)
    return table(
        ("field", "type", "default", "meaning"),
        [
            (f"`{field.encode_name}`", taken(field), default(field), meanings[field.name])
            for field in msgspec.structs.fields(kind)
            if not is_internal(field.name)
        ],
    )


def taken(field: msgspec.structs.FieldInfo) -> str:
    return ALSO_TAKEN.get(field.name) or word(types.type_info(field.type))


def word(kind: types.Type) -> str:
    """Return a type in words."""
    match kind:
        case types.Metadata(extra={"unit": str(unit)}):
            return unit
        case types.Metadata(type=inner):
            return word(inner)
        case types.UnionType(types=several):
            return " or ".join(word(one) for one in several if not isinstance(one, types.NoneType))
        case types.LiteralType(values=values):
            return " or ".join(f"`{value}`" for value in sorted(map(str, values)))
    return WORDS[type(kind)]


def default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    if value is msgspec.NODEFAULT:
        return "required"
    if value is None or value == "":
        return ""
    unit = word(types.type_info(field.type))
    written = {"duration": duration, "size": size}.get(unit, lambda value: value)(value)
    return "`{}`" if isinstance(value, Struct) else f"`{msgspec.json.encode(written).decode()}`"


def duration(seconds: float) -> str:
    days, rest = divmod(seconds, 86400)
    text = f"{days:g}d" if days and not rest else f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"
    assert parse_duration(text) == seconds
    return text


def size(count: int) -> str:
    text = f"{count >> 20}MB"
    assert parse_size(text) == count
    return text


def commands() -> str:
    rows = [
        (f"`pmtui {name}`", does, options(import_module(command_module(name)).parser()))
        for name, does in COMMANDS.items()
    ]
    return table(
        ("command", "what it does", "options"), [("`pmtui [ID …]`", "run the manager", options(root.parser())), *rows]
    )


def options(parser: argparse.ArgumentParser) -> str:
    return " ".join(f"`{flag}`" for flag, _ in flags_of(parser) if flag not in EVERYWHERE)


def routes() -> str:
    return table(("request", "what it does", "query"), [(request(one), one.summary, query(one)) for one in ENDPOINTS])


def request(one: Endpoint) -> str:
    return f"`{one.method} {one.path}`"


def query(one: Endpoint) -> str:
    return " ".join(f"`{parameter['name']}`" for parameter in one.parameters if parameter["in"] == "query")


def keys() -> str:
    return table(("", "keys", "what they do"), key_rows())


def key_rows() -> Iterator[tuple[str, str, str]]:
    """Group actions that share a description, as on the help screen."""
    for (section, meaning), same in groupby(ACTIONS, key=lambda action: (action.section, action.help)):
        yield section, " ".join(f"`{key}`" for action in same for key in action.all_keys.split()), meaning


def spellings() -> str:
    return table(("in the file", *PROGRAMS.values()), spelling_rows())


TABLES: dict[str, Callable[[], str]] = {
    "process": partial(fields, ProcessConfig),
    "health": partial(fields, Health),
    "limits": partial(fields, Limits),
    "log": partial(fields, LogSettings),
    "settings": partial(fields, Settings),
    "history": partial(fields, HistorySettings),
    "pocketbase": partial(fields, PocketBase),
    "route": partial(fields, PocketBaseRoute),
    "commands": commands,
    "routes": routes,
    "keys": keys,
    "spellings": spellings,
}


def main() -> None:
    for page in PAGES:
        page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main()
