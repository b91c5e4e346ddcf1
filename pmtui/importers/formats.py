"""Read the notations of other programs' configs: YAML, and JSON as JavaScript allows it."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from pmtui.importers.builder import UnsupportedFileError


def parse_yaml(text: str, read_keys: Mapping[str, Collection[str]] = {}) -> Any:
    """Parse YAML. Raises UnsupportedFileError, also for duplicate keys, which YAML readers otherwise ignore.

    `read_keys` has, for a key that tells whose file it is, the keys at the top that its program reads: within others it
    does not mind duplicates, and the last one counts.
    """
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        if isinstance(root, yaml.MappingNode):
            names = {str(name.value) for name, _ in root.value}
            read = next((keys for key, keys in read_keys.items() if key in names), names)
            _check_names(root)
            for name, part in root.value:
                if str(name.value) in read:
                    _check_duplicates(part, set())
        return loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnsupportedFileError(f"is not valid YAML: {line}{error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UnsupportedFileError(f"is not valid YAML: {str(error).splitlines()[0]}") from None


def _check_duplicates(node: Any, seen: set[int]) -> None:
    """Raises UnsupportedFileError if a mapping in it has a key twice."""
    if id(node) in seen or not isinstance(node.value, list):
        return
    seen.add(id(node))
    if node.id == "mapping":
        _check_names(node)
    for item in node.value:
        for part in item if isinstance(item, tuple) else (item,):
            _check_duplicates(part, seen)


def _check_names(node: Any) -> None:
    names: set[str] = set()
    for name, _ in node.value:
        if str(name.value) in names and name.tag != "tag:yaml.org,2002:merge":
            raise UnsupportedFileError(f"line {name.start_mark.line + 1}: {name.value} is written twice")
        names.add(str(name.value))


def check_json_names(text: str) -> None:
    """Raises UnsupportedFileError if an object has a name twice, which programs refuse that read JSON as YAML."""

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise UnsupportedFileError(f"{name} is written twice")
            names.add(name)
        return {}

    try:
        json.loads(text, object_pairs_hook=check)
    except (ValueError, RecursionError):
        return


def parse_relaxed_json(text: str) -> Any:
    """Parse JSON with comments, trailing commas, unquoted names and single quotes; a `;` may end it.

    Raises UnsupportedFileError with the line; expressions that would have to be evaluated are errors.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    import pyjson5

    try:
        return pyjson5.decode(text.rstrip().removesuffix(";"))
    except pyjson5.Json5NestingTooDeep:
        raise UnsupportedFileError("is not valid JSON: nested too deeply") from None
    except pyjson5.Json5DecoderException as error:
        raise UnsupportedFileError(f"is not valid JSON: {_located(str(error.args[0]), text)}") from None


def _located(message: str, text: str) -> str:
    """Replace the offset in a message of pyjson5 by the line."""
    found = re.search(r" (?:starting )?near (\d+)", message)
    if found is None:
        return message
    line = text.count("\n", 0, max(0, int(found[1]) - 1)) + 1
    return f"line {line}: {message.replace(found[0], '').replace('b' + chr(39), chr(39))}"
