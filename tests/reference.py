"""The reference tables of the README, made of the code: `python -m tests.reference` writes them anew."""

import argparse
import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import inspect as types

from pmtui.api.openapi import ENDPOINTS, Endpoint
from pmtui.cli import root
from pmtui.cli.completion import flags_of
from pmtui.cli.main import COMMANDS, command_module
from pmtui.config.model import Health, Limits, LogSettings, PocketBase, ProcessConfig, Settings, Struct
from pmtui.config.parsing.decode import is_internal
from pmtui.dashboard.actions import ACTIONS
from pmtui.text.units import parse_duration, parse_size

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
EVERYWHERE = {"-h", "--help", "-c", "--config", "--pmConfig", "--url"}
"""Options that the text above the table explains."""
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
}
"""Fields whose readers take more than the type that they make of it."""


def filled(text: str) -> str:
    """The text with its tables as the code has them now."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def processes() -> str:
    return fields(ProcessConfig)


def parts() -> str:
    parts: dict[str, type[Struct]] = {"health": Health, "limits": Limits, "log": LogSettings}
    return "\n".join(f"In `{name}`:\n\n{fields(kind)}" for name, kind in parts.items())


def settings() -> str:
    return f"{fields(Settings)}\nIn `pocketbase`:\n\n{fields(PocketBase)}"


def fields(kind: type[Struct]) -> str:
    """A row a field that a file can set."""
    meanings = descriptions(kind)
    return table(
        ("field", "type", "default", "meaning"),
        [
            (f"`{field.encode_name}`", taken(field), default(field), meanings[field.name])
            for field in msgspec.structs.fields(kind)
            if not is_internal(field.name)
        ],
    )


def descriptions(kind: type[Struct]) -> dict[str, str]:
    """The string that stands below each field of the class."""
    (found,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(found, ast.ClassDef)
    told = {}
    for field, below in zip(found.body, found.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                told[name] = " ".join(text.split())
    return told


def taken(field: msgspec.structs.FieldInfo) -> str:
    return ALSO_TAKEN.get(field.name) or word(types.type_info(field.type))


def word(kind: types.Type) -> str:
    """A type as people call it."""
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
    text = f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"
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
        ("command", "what it does", "options"), [("`pmtui [ID …]`", "the manager", options(root.parser())), *rows]
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
    """Actions with one description share a row, as on the help screen."""
    for (section, meaning), same in groupby(ACTIONS, key=lambda action: (action.section, action.help)):
        yield section, " ".join(f"`{key}`" for action in same for key in action.all_keys.split()), meaning


TABLES: dict[str, Callable[[], str]] = {
    "processes": processes,
    "parts": parts,
    "settings": settings,
    "commands": commands,
    "routes": routes,
    "keys": keys,
}


def main() -> None:
    README.write_text(filled(README.read_text()))


if __name__ == "__main__":
    main()
