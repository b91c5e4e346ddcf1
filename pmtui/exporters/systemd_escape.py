"""How systemd wants names, words and values to be written."""

import re
from collections.abc import Sequence

_NO_NAME = re.compile(r"[^A-Za-z0-9:_.-]+")
_PLAIN = re.compile(r"[A-Za-z0-9_@+:,./=-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "%": "%%"}


def unit_name(text: str) -> str:
    """The nearest name, without its kind."""
    return _NO_NAME.sub("-", text)[:200]


def command_line(argv: Sequence[str]) -> str:
    """For ExecStart and its like: every word as it is, nothing filled in."""
    return " ".join(_quoted(word).replace("$", "$$") for word in argv)


def assignment(name: str, value: str) -> str:
    """For Environment."""
    return _quoted(f"{name}={value}")


def path_value(text: str) -> str:
    """For one value that takes the rest of its line, such as WorkingDirectory."""
    return text.replace("%", "%%").replace("\n", " ")


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    inner = "".join(_ESCAPES.get(character, _hexadecimal(character)) for character in word)
    return f'"{inner}"'


def _hexadecimal(character: str) -> str:
    return character if character.isprintable() else "".join(f"\\x{byte:02x}" for byte in character.encode())
