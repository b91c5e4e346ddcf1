"""Decide which commands need a shell, and split those that do not."""

import re
import shlex
from typing import Any

from pmtui.importers.builder import UnsupportedFileError

_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-]+(?:[ \t]+[A-Za-z0-9_@%+:,./=-]+)*")
_BUILTINS = re.compile(r"[.:]|alias|cd|command|eval|exec|exit|export|read|set|source|time|trap|ulimit|umask|unset")


def shell_fields(text: str, shell: str) -> dict[str, Any]:
    """Return our fields for a shell command; without a shell if nothing in it needs one."""
    text = text.strip()
    if _PLAIN.fullmatch(text) and not _BUILTINS.fullmatch(text.split()[0]):
        return {"command": text}
    if shell == "/bin/sh":
        return {"command": text, "shell": True}
    return {"command": shell, "args": ["-c", text]}


def argv_fields(words: list[str]) -> dict[str, Any]:
    """Return our fields for an argv."""
    if not words or not words[0]:
        raise UnsupportedFileError("the command is empty")
    if _PLAIN.fullmatch(" ".join(words)) and not any(" " in word for word in words):
        return {"command": " ".join(words)}
    if len(words) == 1:
        return {"command": shlex.quote(words[0])}
    return {"command": words[0], "args": words[1:]}


def split_words(value: object) -> list[str]:
    """Return the words of a list, or of a text with blanks and quotes."""
    if isinstance(value, list | tuple):
        return [str(word) for word in value]
    try:
        return shlex.split(str(value))
    except ValueError as error:
        raise UnsupportedFileError(f"cannot be split into words: {str(error).lower()}") from None
