"""Untrusted output made safe: no control sequences, nothing that breaks JSON or a layout."""

import re

_SGR = re.compile(r"\x1b\[[0-9;:]*m")
_SEQUENCE = re.compile(
    r"(?P<sgr>\x1b\[[0-9;:]*m)"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, …
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?"  # all other escapes, and the head of one without an end
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"  # C0 but tab, DEL, C1
    r"|[\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"  # bidi and invisible controls
)
_PRINTABLE_ASCII = bytes(range(0x20, 0x7F)) + b"\t\n"
_MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILE = re.compile(f"({_MARKS}{{4}}){_MARKS}+")  # no script needs more on one letter


def strip_escapes(line: bytes) -> str:
    """Decode the line without control sequences. Tabs stay."""
    text = line.decode("utf-8", "replace")
    if text.isascii() and text.isprintable():
        return text
    return _PILE.sub(r"\1", _SEQUENCE.sub("", _last_state(text)))


def as_shown(line: bytes) -> bytes:
    """As `strip_escapes`, in UTF-8. Most lines are returned as they are."""
    return line if is_plain(line) else strip_escapes(line).encode()


def is_plain(data: bytes) -> bool:
    return data.isascii() and not data.translate(None, _PRINTABLE_ASCII)


def keep_colors(line: bytes) -> str:
    """As `strip_escapes`, but keep SGR sequences (colors and other attributes), and expand tabs."""
    text = line.decode("utf-8", "replace")
    if text.isascii() and text.isprintable():
        return text
    text = _PILE.sub(r"\1", _SEQUENCE.sub(_keep_sgr, _last_state(text)))
    return text.replace("\t", "    ") if "\x1b" in text else text.expandtabs()


def _keep_sgr(match: re.Match[str]) -> str:
    return match["sgr"] or ""


def _last_state(text: str) -> str:
    """As `last_state`, for text."""
    if "\r" not in text:
        return text
    return text.rstrip("\r").rpartition("\r")[2]


def last_state(line: bytes) -> bytes:
    """Return what is left on screen of a line that redraws itself after carriage returns, such as a progress bar."""
    return line.rstrip(b"\r").rpartition(b"\r")[2]
