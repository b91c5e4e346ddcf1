"""JSON as JavaScript allows it: comments, trailing commas, names without quotes, single quotes."""

import json
import re
from typing import Any

from pmtui.importers.builder import UnsupportedFileError

_DOUBLE = r'"(?:\\.|[^"\\])*"'
_TOKEN = re.compile(rf"{_DOUBLE}|'(?:\\.|[^'\\])*'|//[^\n]*|/\*.*?\*/|[A-Za-z_$][\w$]*", re.DOTALL)
_TRAILING = re.compile(rf"({_DOUBLE})|,(?=\s*[}}\]])", re.DOTALL)
_WORDS = {"true", "false", "null"}


def parse_relaxed(text: str) -> Any:
    """Raises ForeignFileError with the line. An expression that has to be evaluated is an error."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        plain = _TRAILING.sub(lambda found: found[1] or "", _TOKEN.sub(_plain, text))
    try:
        return json.loads(plain.strip().rstrip(";"))
    except json.JSONDecodeError as error:
        raise UnsupportedFileError(f"is no JSON: line {error.lineno}: {error.msg.lower()}") from None
    except RecursionError:
        raise UnsupportedFileError("is no JSON: nested too deeply") from None
    except ValueError as error:
        raise UnsupportedFileError(f"is no JSON: {error}") from None


def _plain(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith(("//", "/*")):
        return "\n" * token.count("\n")
    if token.startswith("'"):
        inner = re.sub(r'\\(.)|(")', lambda part: {"'": "'"}.get(part[1], rf"\{part[1] or part[2]}"), token[1:-1])
        return f'"{inner}"'
    if token.startswith('"') or token in _WORDS:
        return token
    return f'"{token}"'
