"""Read the notations of other programs' configs: YAML, and JSON as JavaScript allows it."""

import json
import re
from typing import Any

from pmtui.importers.builder import UnsupportedFileError


def parse_yaml(text: str) -> Any:
    """Parse YAML. Raises UnsupportedFileError, also for duplicate keys, which YAML readers otherwise ignore."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names: set[object] = set()
            for name, _ in node.value:
                if name.value in names and name.tag != "tag:yaml.org,2002:merge":
                    line = name.start_mark.line + 1
                    raise UnsupportedFileError(f"line {line}: {name.value} is written twice")
                names.add(str(name.value))
            return dict(super().construct_mapping(node, deep))

    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnsupportedFileError(f"is not valid YAML: {line}{error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnsupportedFileError(f"is not valid YAML: {str(error).splitlines()[0]}") from None


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
