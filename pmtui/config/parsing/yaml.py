"""Parse YAML by the rules of YAML 1.2: `no`, `on` and `012` are not booleans and octal numbers.

Duplicate keys are errors. Anchors and `<<` are allowed, but bounded: a document that would expand to more than a
hundred thousand values is refused.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from pmtui.config.parsing.problems import Problems, join

_MAX_VALUES = 100_000
_STR = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
_CORE = {
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", "~nN\0"),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    _MERGE: (r"<<", "<"),
}


class YamlError(Exception):
    """The text is not valid YAML; `line` and `column` count from 1."""

    def __init__(self, message: str, mark: yaml.Mark | None = None) -> None:
        super().__init__(message)
        self.line = mark.line + 1 if mark else None
        self.column = mark.column + 1 if mark else None


class Loader(yaml.SafeLoader):
    """Resolves plain scalars by the core schema of YAML 1.2."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - not those of YAML 1.1


for _tag, (_pattern, _first) in _CORE.items():
    Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), [*_first.replace("\0", "")])
    if "\0" in _first:
        Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), [""])


def _construct_int(loader: Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def parse_yaml(text: str, problems: Problems) -> Any:
    """Return the values; duplicate keys go to `problems`. Raises YamlError."""
    node = _compose(text)
    if node is None:
        return None
    for path, key in _duplicates(node, ""):
        problems.error(path, f"is written twice: line {key.start_mark.line + 1}, column {key.start_mark.column + 1}")
    loader = Loader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise YamlError(str(error.problem), error.problem_mark) from None
    except (ValueError, TypeError) as error:
        raise YamlError(str(error).splitlines()[0]) from None
    finally:
        loader.dispose()


def yaml_positions(text: str) -> dict[str, tuple[int, int]]:
    """Return line and column of every field of a valid YAML text; an alias is where its anchor is."""
    node = _compose(text)
    return dict(_positions(node, "processes" if isinstance(node, yaml.SequenceNode) else "")) if node else {}


def _compose(text: str) -> yaml.Node | None:
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            _count(node, {})
        return node
    except yaml.MarkedYAMLError as error:
        raise YamlError(str(error.problem), error.problem_mark) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error).splitlines()[0]) from None
    finally:
        loader.dispose()


def _count(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Return how many values the node expands to. Raises YamlError if they are too many, or contain themselves."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    known = sizes.get(id(node))
    if known == 0:
        raise YamlError("an anchor contains itself", node.start_mark)
    if known is not None:
        return known
    sizes[id(node)] = 0
    if isinstance(node, yaml.MappingNode):
        total = 1 + sum(_count(value, sizes) for _, value in node.value)
    else:
        total = 1 + sum(_count(value, sizes) for value in node.value)
    if total > _MAX_VALUES:
        raise YamlError(f"expands to more than {_MAX_VALUES:,} values", node.start_mark)
    sizes[id(node)] = total
    return total


def _duplicates(node: yaml.Node, path: str) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            here = join(path, str(key.value))
            if key.tag != _MERGE and str(key.value) in names:
                yield here, key
            names.add(str(key.value))
            yield from _duplicates(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _duplicates(value, f"{path}[{index}]")


def _positions(node: yaml.Node, path: str) -> Iterator[tuple[str, tuple[int, int]]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = path if key.tag == _MERGE else join(path, str(key.value))
            if key.tag == _MERGE:
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for one in merged:
                    yield from _positions(one, path)
                continue
            yield here, (key.start_mark.line + 1, key.start_mark.column + 1)
            yield from _positions(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield f"{path}[{index}]", (value.start_mark.line + 1, value.start_mark.column + 1)
            yield from _positions(value, f"{path}[{index}]")
