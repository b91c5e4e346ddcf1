"""The JSON Schema (2020-12) of a config, made from the model.

It accepts what the loader accepts, but for rules that connect several fields and for names that must exist.
"""

import ast
import inspect
import re
from typing import Any, get_args

import msgspec
from msgspec import inspect as types

from pmtui.config.model import (
    Condition,
    Health,
    HistorySettings,
    HookEvent,
    Limits,
    LogSettings,
    PocketBase,
    PocketBaseRoute,
    ProcessConfig,
    Settings,
    Struct,
)
from pmtui.config.parsing.decode import is_internal

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
_STRINGS: Schema = {"type": "array", "items": {"type": "string"}}
_STRING_OR_LIST: Schema = {"anyOf": [{"type": "string", "minLength": 1}, _STRINGS]}
_ARGV: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_DURATION: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$"},
    ]
}
_SIZE: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?[KMGTPkmgtp]?([Ii]?[Bb])?$"},
    ]
}
_PLAIN: Schema = {"type": ["string", "integer", "boolean"]}
_SOURCES: list[Schema] = [
    {"type": "object", "required": [kind], "additionalProperties": False, "properties": {kind: value}}
    for kind, value in (("file", {"type": "string", "minLength": 1}), ("command", _ARGV))
]
_CONDITION: Schema = {"enum": [*get_args(Condition), None]}
_DEPENDENCY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"condition": _CONDITION, "restart": {"type": "boolean"}},
}
_SIGNAL: Schema = {"type": ["string", "integer"]}
_SPECIAL: dict[tuple[type[Struct], str], Schema] = {
    (ProcessConfig, "id"): _ID,
    (ProcessConfig, "env"): {"type": "object", "additionalProperties": {"anyOf": [_PLAIN, *_SOURCES]}},
    (ProcessConfig, "env_file"): _STRING_OR_LIST,
    (ProcessConfig, "watch_paths"): _STRING_OR_LIST,
    (ProcessConfig, "watch_ignore"): _STRING_OR_LIST,
    (ProcessConfig, "labels"): _STRING_OR_LIST,
    (ProcessConfig, "install"): {"anyOf": [{"const": "auto"}, _ARGV, {"type": "null"}]},
    (ProcessConfig, "stop_signal"): _SIGNAL,
    (ProcessConfig, "stop_command"): {"anyOf": [{"type": "string", "minLength": 1}, _ARGV, {"type": "null"}]},
    (ProcessConfig, "stdin"): {"enum": ["null", "open", True, False]},
    (ProcessConfig, "umask"): {
        "anyOf": [
            {"type": "string", "pattern": "^(0o)?[0-7]{1,4}$"},
            {"type": "integer", "minimum": 0, "maximum": 511},
            {"type": "null"},
        ]
    },
    (ProcessConfig, "depends_on"): {
        "anyOf": [
            _STRINGS,
            {"type": "object", "additionalProperties": {"anyOf": [_CONDITION, _DEPENDENCY]}},
        ]
    },
    (Health, "command"): {"anyOf": [_ARGV, {"type": "null"}]},
    (PocketBaseRoute, "route"): {"type": "string", "pattern": "^(/[A-Za-z0-9._-]+)+$"},
    (PocketBase, "url"): {"anyOf": [{"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}, {"type": "null"}]},
    (Settings, "env"): {"type": "object", "additionalProperties": _PLAIN},
    (Settings, "hooks"): {
        "type": "object",
        "propertyNames": {"enum": [*get_args(HookEvent)]},
        "additionalProperties": {"anyOf": [{"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}, _ARGV]},
    },
}
_PARTS = (Health, HistorySettings, Limits, LogSettings, PocketBase, PocketBaseRoute)
_KINDS: dict[type[types.Type], str] = {
    types.StrType: "string",
    types.BoolType: "boolean",
    types.IntType: "integer",
    types.FloatType: "number",
}


def config_schema() -> Schema:
    """Return the schema of all notations: an array of processes, or an object with settings and processes."""
    process, settings = {"$ref": "#/$defs/process"}, {"$ref": "#/$defs/settings"}
    parts = {part.__name__[0].lower() + part.__name__[1:]: _struct(part) for part in _PARTS}
    fields = _struct(ProcessConfig)
    extends = {"description": "Id of the process whose fields this one inherits.", **_ID}
    fields["properties"]["extends"] = extends
    defaults = {**fields, "properties": {key: value for key, value in fields["properties"].items() if key != "id"}}
    named = {"type": "object", "additionalProperties": {"$ref": "#/$defs/defaults"}}
    files = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string"},
            "settings": settings,
            "defaults": {"$ref": "#/$defs/defaults", "description": "Fields for all processes."},
            "include": {**_STRING_OR_LIST, "description": "Files with further processes; globs are allowed."},
            "process": {**named, "description": "Processes by id."},
            "processes": {"type": "array", "items": process, "description": "Processes, each with its id."},
            "profile": {
                "description": "Changes that --profile NAME applies.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"process": named},
                },
            },
        },
    }
    return {
        "$schema": DIALECT,
        "title": "pmtui",
        "description": "Processes for pmtui to run.",
        "anyOf": [{"type": "array", "items": process}, files],
        "$defs": {"process": fields, "defaults": defaults, "settings": _struct(Settings), **parts},
    }


def descriptions(kind: type[Struct]) -> dict[str, str]:
    """Return the docstring below each field of the class."""
    (found,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(found, ast.ClassDef)
    texts = {}
    for field, below in zip(found.body, found.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = " ".join(text.split())
    return texts


def _struct(kind: type[Struct]) -> Schema:
    texts = descriptions(kind)
    properties = {
        field.encode_name: {"description": texts.get(field.name, ""), **_field(kind, field)}
        for field in msgspec.structs.fields(kind)
        if not is_internal(field.name)
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _field(kind: type[Struct], field: msgspec.structs.FieldInfo) -> Schema:
    special = _SPECIAL.get((kind, field.name))
    return special if special is not None else _type(types.type_info(field.type))


def _type(kind: types.Type) -> Schema:
    match kind:
        case types.Metadata(extra={"unit": "duration"}):
            return _DURATION
        case types.Metadata(extra={"unit": "size"}):
            return _SIZE
        case types.Metadata(type=inner):
            return _type(inner)
        case types.UnionType(types=several):
            return {"anyOf": [_type(one) for one in several]}
        case types.LiteralType(values=values):
            return {"enum": [*values]}
        case types.NoneType():
            return {"type": "null"}
        case types.ListType(item_type=item):
            return {"type": "array", "items": _type(item)}
        case types.DictType(value_type=value):
            return {"type": "object", "additionalProperties": _type(value)}
        case types.StructType(cls=cls):
            return {"$ref": f"#/$defs/{cls.__name__[0].lower()}{cls.__name__[1:]}"}
    return {"type": _KINDS[type(kind)]} | _bounds(kind)


def _bounds(kind: types.Type) -> Schema:
    names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    found = {word: getattr(kind, name, None) for name, word in names.items()}
    pattern = getattr(kind, "pattern", None)
    bounds: Schema = {word: value for word, value in found.items() if value is not None}
    return bounds | ({"pattern": re.sub(r"\\[AZ]", "", pattern)} if pattern else {})
