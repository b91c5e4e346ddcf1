"""The JSON Schema: valid by the meta-schema, and of one mind with the loader."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pmtui.config.load import load_config
from pmtui.config.schema import config_schema
from tests.config.test_load import EVERYTHING

SCHEMA = config_schema()
DOCS = Path(__file__).parents[2] / "docs"
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def valid(values: Any) -> bool:
    return bool(VALIDATOR.is_valid(values))


def examples() -> Iterator[tuple[str, Any]]:
    """Yield every config among the examples in the documentation."""
    for page in sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md"]):
        for notation, text in re.findall(r"```(json|toml)\n(.*?)```", page.read_text(), re.DOTALL):
            values = json.loads(text) if notation == "json" else tomllib.loads(text)
            is_config = isinstance(values, list) or {"process", "processes", "settings", "defaults"} & {*values}
            if is_config:
                yield f"{page.name}: {text[:40]!r}", values


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("values", [values for _, values in examples()], ids=[name for name, _ in examples()])
def test_the_examples_of_the_documentation_are_valid(values: Any) -> None:
    VALIDATOR.validate(values)


def test_every_field_is_in_it() -> None:
    VALIDATOR.validate([EVERYTHING | {"id": "a"}])
    assert {*EVERYTHING} <= {*SCHEMA["$defs"]["process"]["properties"]}
    assert all(
        field["description"] for field in SCHEMA["$defs"]["process"]["properties"].values() if "$ref" not in field
    )


GOOD: list[dict[str, Any]] = [
    {"command": "x", "backoff": "500ms"},
    {"command": "x", "backoff": 3},
    {"command": "x", "maxMemory": "512M"},
    {"command": "x", "env": {"A": 1, "B": True, "C": "x"}},
    {"command": "x", "env": {"A": {"file": "a"}, "B": {"command": ["op", "read"]}}},
    {"command": "x", "envFile": ".env"},
    {"command": "x", "labels": "one"},
    {"command": "x", "umask": "022"},
    {"command": "x", "health": {"tcp": "127.0.0.1:1"}},
    {"script": "x.py", "install": "auto"},
    {"script": "x.py", "install": ["make"]},
    {"command": "x", "successExitCodes": [0, 3]},
    {"command": "x", "stopSignal": "term"},
]
BAD: list[dict[str, Any]] = [
    {"command": "x", "backoff": "soon"},
    {"command": "x", "maxMemory": "much"},
    {"command": "x", "maxRetires": 1},
    {"command": "x", "env": {"A": [1]}},
    {"command": "x", "env": {"A": {"file": "a", "command": ["x"]}}},
    {"command": "x", "env": {"A": {"command": "op read"}}},
    {"command": "x", "env": {"A": {}}},
    {"command": "x", "restart": "sometimes"},
    {"command": "x", "maxRetries": -2},
    {"command": "x", "instances": 0},
    {"command": "x", "health": {"tcp": "127.0.0.1:1", "often": True}},
    {"command": "x", "limits": {"nofile": "many"}},
    {"command": "x", "dependsOn": {"b": "finished"}},
    {"command": "x", "install": "make"},
    {"command": 3},
    {"command": "x", "successExitCodes": [256]},
]


@pytest.mark.parametrize("fields", [*GOOD, *BAD], ids=str)
def test_it_agrees_with_the_loader(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "pb_processes.json"
    path.write_text(json.dumps([{"id": "a"} | fields]))
    assert valid([{"id": "a"} | fields]) == (load_config(path).errors == ()) == (fields in GOOD)


@pytest.mark.parametrize(
    ("values", "is_valid"),
    [
        ({"$schema": "pmtui.schema.json", "process": {"a": {"command": "x"}}}, True),
        ({"defaults": {"maxRetries": 1}, "include": ["a/*.toml"]}, True),
        ({"process": {"a": {"extends": "b"}, "b": {"command": "x"}}}, True),
        ({"profile": {"prod": {"process": {"a": {"args": ["x"]}}}}}, True),
        ({"profile": {"prod": {"settings": {}}}}, False),
        ({"defaults": {"id": "x"}}, False),
        ({"processes": {"a": {}}}, False),
        ({"settings": {"prot": 1}}, False),
        ({"settings": {"history": False}}, True),
        ({"settings": {"pocketbase": {"url": "http://127.0.0.1:8090"}}}, True),
        ({"settings": {"pocketbase": {"url": "127.0.0.1:8090"}}}, False),
        ({"settings": {"history": {"maxSize": "8MB", "keep": "7d"}}}, True),
        ({"settings": {"history": True}}, False),
        ("text", False),
    ],
)
def test_sections(values: Any, is_valid: bool) -> None:
    assert valid(values) == is_valid
