"""A small writer of YAML: blocks for tables and lists, JSON's own notation for every text that could be misread."""

import json
import re
from collections.abc import Iterator
from typing import Any

_SAFE = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "none", "y", "n"})
_OUTSIDE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def dump_yaml(value: Any) -> str:
    """One document, which YAML 1.1 and 1.2 read alike."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    match value:
        case dict() if value:
            for name, item in value.items():
                yield from _entry(f"{_scalar(name)}:", item, "  ")
        case list() if value:
            for item in value:
                yield from _item(item)
        case _:
            yield _scalar(value)


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, dict | list) and item:
        yield head
        yield from (f"{indent}{line}" for line in _lines(item))
    else:
        yield f"{head} {_scalar(item)}"


def _item(item: Any) -> Iterator[str]:
    first, *rest = _lines(item)
    yield f"- {first}"
    yield from (f"  {line}" for line in rest)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _SAFE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _OUTSIDE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
