"""Escape names, words and values for systemd units."""

import re
from collections.abc import Sequence

_NO_NAME = re.compile(r"[^A-Za-z0-9:_.-]+")
_PLAIN = re.compile(r"[A-Za-z0-9_@+:,./=-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "%": "%%"}


def unit_name(text: str) -> str:
    """Return the nearest valid unit name, without its suffix."""
    return _NO_NAME.sub("-", text)[:200]


def command_line(argv: Sequence[str]) -> str:
    """Quote words for ExecStart= and similar: nothing in them is expanded."""
    return " ".join(_quoted(word).replace("$", "$$") for word in argv)


def assignment(name: str, value: str) -> str:
    """Quote a variable for Environment=."""
    return _quoted(f"{name}={value}")


def path_value(text: str) -> str:
    """Escape a value that takes the rest of its line, such as WorkingDirectory=."""
    return text.replace("%", "%%").replace("\n", " ")


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    inner = "".join(_ESCAPES.get(character, _hexadecimal(character)) for character in word)
    return f'"{inner}"'


def _hexadecimal(character: str) -> str:
    return character if character.isprintable() else "".join(f"\\x{byte:02x}" for byte in character.encode())
