"""Take apart what a terminal sends: keys for the process as they are, mouse, paste marks, and the key that leaves.

Everything that is not for the process alone is recognized here; all other bytes are keys.
"""

import re
from dataclasses import dataclass
from typing import Literal

_LEAVE = rb"\x1d|\x1b\[93;5(?::1)?u"
LEAVE_KEY = re.compile(rb"(?:%s)\Z" % _LEAVE)
"""Ctrl-] at the end, also as the Kitty protocol spells it."""
_TOKEN = re.compile(
    rb"(?P<leave>%s)" % _LEAVE + rb"|\x1b\[<(?P<button>[0-9]+);(?P<column>[0-9]+);(?P<row>[0-9]+)(?P<final>[Mm])"
    rb"|(?P<paste>\x1b\[20[01]~)"
    rb"|\x1b\[(?P<focus>[IO])"
    rb"|(?P<own>\x1b\[\?[0-9;]*\$y|\x1b\[48;[0-9;:]*t)"  # answers to the dashboard: modes, and its size
)
_UNFINISHED = re.compile(rb"\x1b\[(<[0-9;]*|2|20|200|201|48[0-9;:]*|\?[0-9;]*\$?)\Z")
_CURSOR_KEY = re.compile(rb"\x1b\[([ABCDHF])")
_KITTY_KEY = re.compile(
    rb"\x1b\[(?P<code>[0-9]+)(?::[0-9:]*)?(?:;(?P<modifiers>[0-9]*)[0-9:]*(?:;(?P<text>[0-9:]*))?)?u"
)
_SHIFT, _ALT, _CTRL = 1, 2, 4
_MODIFIERS = ((4, "shift"), (8, "meta"), (16, "ctrl"))
_MOTION = 32


@dataclass(frozen=True)
class Keys:
    """What was typed."""

    data: bytes


@dataclass(frozen=True)
class PasteMark:
    """The beginning or the end of a paste."""

    data: bytes


@dataclass(frozen=True)
class Focus:
    """The terminal has got or lost the focus."""

    data: bytes


@dataclass(frozen=True)
class Mouse:
    """A mouse event, its cell counted from 0."""

    column: int
    row: int
    button: int
    kind: Literal["press", "release", "move"]
    modifiers: frozenset[str]


@dataclass(frozen=True)
class Own:
    """An answer to the dashboard itself."""

    data: bytes


@dataclass(frozen=True)
class Leave:
    """The key that leaves, and what was sent after it."""

    rest: bytes


Input = Keys | PasteMark | Focus | Mouse | Own | Leave


class KeyboardParser:
    """Parses chunks of bytes. What may be the beginning of a report waits for the next chunk, or for `flush`."""

    def __init__(self) -> None:
        self._waiting = b""
        self._is_pasting = False

    def feed(self, data: bytes) -> list[Input]:
        data = self._waiting + data
        self._waiting = b""
        if unfinished := _UNFINISHED.search(data):
            data, self._waiting = data[: unfinished.start()], unfinished[0]
        found: list[Input] = []
        at = 0
        for token in _TOKEN.finditer(data):
            if self._is_pasting and token["paste"] is None:
                continue  # pasted text, whatever it is
            if at < token.start():
                found.append(Keys(data[at : token.start()]))
            at = token.end()
            found.append(self._read(token, data))
            if isinstance(found[-1], Leave):
                return found
        if at < len(data):
            found.append(Keys(data[at:]))
        return found

    def flush(self) -> list[Input]:
        """Return what was held back: it was a key after all."""
        waiting, self._waiting = self._waiting, b""
        return [Keys(waiting)] if waiting else []

    def _read(self, token: re.Match[bytes], data: bytes) -> Input:
        if token["leave"]:
            return Leave(data[token.end() :])
        if token["paste"]:
            self._is_pasting = token["paste"] == b"\x1b[200~"
            return PasteMark(token["paste"])
        if token["focus"]:
            return Focus(token[0])
        if token["own"]:
            return Own(token["own"])
        return read_mouse(int(token["button"]), int(token["column"]), int(token["row"]), token["final"])


def read_mouse(code: int, column: int, row: int, final: bytes) -> Mouse:
    kind: Literal["press", "release", "move"] = "release" if final == b"m" else "press"
    if code & _MOTION:
        kind = "move"
    modifiers = frozenset(name for bit, name in _MODIFIERS if code & bit)
    return Mouse(column - 1, row - 1, code & ~(_MOTION | 4 | 8 | 16), kind, modifiers)


def as_application_keys(data: bytes) -> bytes:
    """Return the same keys as a terminal in application cursor mode sends them."""
    return _CURSOR_KEY.sub(b"\x1bO\\1", data)


def as_legacy_keys(data: bytes) -> bytes:
    """Return the same keys as a terminal without the Kitty protocol sends them; modifiers alone are no keys."""
    return _KITTY_KEY.sub(_legacy_key, data)


def _legacy_key(found: re.Match[bytes]) -> bytes:
    code, modifiers = int(found["code"]), max(int(found["modifiers"] or 1) - 1, 0)
    text = "".join(chr(int(number)) for number in (found["text"] or b"").split(b":") if number)
    if not text and 32 <= code < 0xE000:  # the protocol's own numbers for other keys are private characters
        text = chr(code)
    if code == 9 and modifiers & _SHIFT:
        return b"\x1b[Z"
    if code in (9, 13, 27):
        text = chr(code)
    elif modifiers & _CTRL and len(text) == 1 and text.isascii():
        text = chr(ord(text) & 0x1F)
    return (b"\x1b" if text and modifiers & _ALT else b"") + text.encode("utf-8", "replace")
