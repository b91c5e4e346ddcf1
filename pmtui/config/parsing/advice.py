"""What is probably wrong with a text that cannot be parsed, and what to do. No message quotes a value: it may be a
secret.
"""

import os
import re

from pmtui.config.discovery import CONFIG_NAMES

_COMMENTS = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*)*")
_JSON = re.compile(r"\{|\[\s*(?:[\{\]]|//|$)")
_TOML = re.compile(r"""\[\[?[A-Za-z_"'][\w."'-]*\]\]?[ \t]*(?:#.*)?(?:\r?\n|$)|[\w."'-]+[ \t]*=""")
_YAML = re.compile(r"""---|(?:- +)?[\w."'-]+:(?: |\r?\n|$)""")
_NAMES = {"toml": "pmtui.toml", "json": "pb_processes.json", "yaml": "pmtui.yaml"}
_TITLES = {"toml": "TOML", "json": "JSON", "yaml": "YAML"}
_KEY = re.compile(r"""^\s*([A-Za-z_][\w.-]{0,63})[ \t]*=""")
_WORD = re.compile(r"[A-Za-z./~$@-]")
_CONSTANTS = {"True": "true", "False": "false", "yes": "true", "no": "false", "on": "true", "off": "false"}
_MAX_BYTES = 1 << 16


def wrong_notation(text: str, path: str, notation: str) -> str:
    """Return what to do if the text is in another notation than the file's name says; "" if it is not."""
    start = text[_COMMENTS.match(text, 0, _MAX_BYTES).end() :][:_MAX_BYTES]  # type: ignore[union-attr]
    found = _notation(start)
    if not found or found == notation or (found, notation) == ("json", "yaml"):
        return ""
    name = os.path.basename(path)
    is_ours = name in (os.path.basename(known) for known in CONFIG_NAMES)
    new_name = _NAMES[found] if is_ours else f"{os.path.splitext(name)[0]}.{found}"
    return f"this is {_TITLES[found]}, not {_TITLES[notation]}; rename the file to {new_name}"


def _notation(start: str) -> str:
    for notation, pattern in (("toml", _TOML), ("json", _JSON), ("yaml", _YAML)):
        if pattern.match(start):
            return notation
    return ""


def trailing_comma(text: str, at: int) -> int | None:
    """Return the offset of the comma after which JSON expected a value or a name at `at`; None if there is none."""
    before = text[max(at - _MAX_BYTES, 0) : at].rstrip()
    is_closing = text[at : at + 1] in ("}", "]")
    return at - (len(text[:at]) - len(text[:at].rstrip())) - 1 if is_closing and before.endswith(",") else None


def toml_advice(text: str, line: int, column: int) -> str:
    """Return what to write instead of the invalid value at this place of a TOML text; "" if that is not clear."""
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return ""
    whole, rest = lines[line - 1].rstrip("\r"), lines[line - 1][column - 1 :]
    key = _KEY.match(whole)
    if key is None:
        return "write name = value" if re.match(r"\s*[\w.-]+\s*:", whole) else ""
    value = whole[key.end() :].strip().partition("#")[0].strip()
    if value in _CONSTANTS:
        return f"write {_CONSTANTS[value]}, or quotes if it is text"
    if value[:1] in "\"'" and not rest.strip():
        return "the closing quote is missing"
    if value[:1] == "[":
        return f'text in a list needs quotes: {key[1]} = ["…", "…"]'
    return f'text needs quotes: {key[1]} = "…"' if _WORD.match(value) else ""
