"""`.env` files, as godotenv reads them, but with an error for each line that it would skip.

`NAME=value`, `NAME: value`, `export NAME=value`; `#` after a blank begins a comment. Quoted values may go over lines;
double quotes know `\\n`, `\\r`, `\\t`, `\\"` and `\\$`. Only `${…}` is expanded, and nothing within single quotes.
"""

import re

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError

MAX_FILE_BYTES = 1 << 20

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)+")
_NAME = re.compile(r"(?:export[ \t]+)?([A-Za-z0-9_.-]+)[ \t]*[=:](?:[ \t]*(?=[\"']))?")
_QUOTED = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)\"""", re.DOTALL)
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?=\n|\Z)")
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"[ \t]#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "$": "$$"}


def read_env_file(path: str) -> dict[str, str]:
    """Return names and templates for `expand` (a literal `$` is doubled), in file order.

    Never blocks. Raises ConfigError with file and line if the file cannot be read or parsed.
    """
    try:
        text = read_bytes(path, MAX_FILE_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8") from None
    values: dict[str, str] = {}
    at = _skip(text, 0)
    while at < len(text):
        name, value, end = _assignment(path, text, at)
        if "\0" in value:
            raise _error(path, text, at, f"{name} holds a NUL, which no environment can")
        values[name] = value
        at = _skip(text, end)
    return values


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _assignment(path: str, text: str, at: int) -> tuple[str, str, int]:
    name = _NAME.match(text, at)
    if name is None:
        raise _error(path, text, at, "expected NAME=value")
    if text[name.end() : name.end() + 1] in ("'", '"'):
        return name[1], *_quoted(path, text, name)
    plain = _PLAIN.match(text, name.end())
    assert plain is not None
    return name[1], _COMMENT.sub("", plain[0]).strip(), plain.end()


def _quoted(path: str, text: str, name: re.Match[str]) -> tuple[str, int]:
    quoted = _QUOTED.match(text, name.end())
    if quoted is None:
        raise _error(path, text, name.start(), f"the quotation mark before the value of {name[1]} has no second one")
    rest = _REST.match(text, quoted.end())
    if rest is None:
        raise _error(path, text, quoted.end(), f"unexpected text after the quoted value of {name[1]}")
    if quoted["double"] is None:
        return quoted["single"].replace("$", "$$"), rest.end()
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), quoted["double"]), rest.end()


def _error(path: str, text: str, at: int, message: str) -> ConfigError:
    return ConfigError(f"{path}, line {text.count(chr(10), 0, at) + 1}: {message}")
