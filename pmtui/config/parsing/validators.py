"""Validate the fields that need more than a type. Each function takes a plain value and reports problems."""

import re
from typing import Any, get_args

from pmtui.config.condition import Condition
from pmtui.config.model import HookEvent, ValueSource
from pmtui.config.parsing.problems import Problems, join
from pmtui.config.ports import without_references

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_USER = re.compile(r"[^\s:]+(:[^\s:]+)?")
_PATH = re.compile(r".+", re.DOTALL)
_HOST = re.compile(r"\S+")
_HTTP = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_ROUTE = re.compile(r"(/[A-Za-z0-9._-]+)+")
_ORIGIN = re.compile(r"https?://[^\s/?#@]+/?", re.IGNORECASE)
_TCP = re.compile(r"(?:\[[^\]\s]+\]|[^\s:/]+):([0-9]{1,5})")
_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
    type(None): "null",
}
POCKETBASE_ROUTES = frozenset(
    [
        "backups",
        "batch",
        "collections",
        "crons",
        "files",
        "health",
        "logs",
        "oauth2-redirect",
        "pm",
        "realtime",
        "settings",
        "sql",
    ]
)
"""What stands below /api in PocketBase itself, and the manager's own API."""
PROBES = ("http", "tcp", "command", "log", "silence", "file", "notify")


def kind_of(value: object) -> str:
    """Name the kind of a value; never the value, which may be a secret."""
    return _KINDS.get(type(value), "a date or time")


def check_encodable(value: Any, path: str, problems: Problems) -> Any:
    """Return the value, and report it if the operating system cannot take it."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        problems.error(path, "the number is too large")
    elif isinstance(value, str):
        _check_text(value, path, problems)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_encodable(item, f"{path}[{index}]", problems)
    return value


def read_id(raw: object, path: str, problems: Problems) -> object:
    if not isinstance(raw, str) or not _ID.fullmatch(raw):
        rule = "at most 64 letters, digits, '.', '_' and '-', the first a letter or digit"
        problems.error(path, f"expected {rule}, got {ascii(raw[:70]) if isinstance(raw, str) else kind_of(raw)}")
    return raw


def read_env(raw: object, path: str, problems: Problems) -> dict[str, str]:
    env: dict[str, str] = {}
    for name, value in _table(raw, path, problems).items():
        here = join(path, name)
        if not name or "=" in name:
            problems.error(here, "the name of a variable cannot be empty or hold '='")
        _check_text(name, here, problems)
        match value:
            case bool():
                env[name] = "true" if value else "false"
            case int():
                env[name] = str(check_encodable(value, here, problems)) if abs(value) < 1 << 64 else ""
                check_encodable(value, here, problems)
            case str():
                env[name] = value
                _check_text(value, here, problems)
            case _:
                problems.error(here, f"expected a string, got {kind_of(value)}: put it in quotation marks")
    return env


def read_source(raw: dict[str, Any], path: str, problems: Problems) -> ValueSource | None:
    """Accept `{"file": PATH}` or `{"command": [PROGRAM, …]}`; the loader has added the directory."""
    before = problems.errors
    given = [key for key in raw if key != "directory"]
    if len(given) != 1 or given[0] not in ("file", "command"):
        problems.error(path, 'expected a string, {"file": "PATH"} or {"command": ["PROGRAM", …]}')
    elif given[0] == "command":
        read_command(raw["command"], f"{path}.command", problems)
    elif not isinstance(raw["file"], str) or not raw["file"]:
        problems.error(f"{path}.file", "expected the path of a file")
    else:
        _check_text(raw["file"], f"{path}.file", problems)
    return ValueSource(**raw) if problems.errors == before else None


def read_argv(raw: object, path: str, problems: Problems) -> object:
    """Accept a list of strings. Numbers are refused, since 1.10 and 08 would change."""
    if not isinstance(raw, list):
        problems.error(path, f"expected a list of strings, got {kind_of(raw)}")
        return raw
    for index, word in enumerate(raw):
        here = f"{path}[{index}]"
        if isinstance(word, int | float):
            problems.error(here, f"expected a string, got {kind_of(word)}: put it in quotation marks")
        elif not isinstance(word, str):
            problems.error(here, f"expected a string, got {kind_of(word)}")
        else:
            _check_text(word, here, problems)
    return raw


def read_command(raw: object, path: str, problems: Problems) -> object:
    if raw == [] or (isinstance(raw, list) and raw[0] == ""):
        problems.error(path, "expected a program and its arguments, got none")
    return read_argv(raw, path, problems)


def read_strings(raw: object, path: str, problems: Problems) -> object:
    """Accept a string or a list of strings, none of them empty."""
    strings = [raw] if isinstance(raw, str) else raw
    read_argv(strings, path, problems)
    if isinstance(strings, list) and "" in strings:
        problems.error(path, "an empty string names nothing")
    return strings


def read_install(raw: object, path: str, problems: Problems) -> object:
    if raw is None or raw == "auto":
        return raw
    if isinstance(raw, str):
        problems.error(path, 'expected "auto" or a program and its arguments as a list')
        return raw
    return read_command(raw, path, problems)


def read_stdin(raw: object, path: str, problems: Problems) -> object:
    if raw is False:
        return "null"
    if raw is not True and raw not in ("null", "open"):
        problems.error(path, f'expected "null", "open" or true, got {_shown(raw)}')
    return raw


def read_stop_command(raw: object, path: str, problems: Problems) -> object:
    """Accept a string, or a program and its arguments."""
    if raw is None or isinstance(raw, list):
        return raw if raw is None else read_command(raw, path, problems)
    if not isinstance(raw, str) or not raw.strip():
        problems.error(path, "expected a string, or a program and its arguments as a list")
    else:
        _check_text(raw, path, problems)
    return raw


def _shown(raw: object) -> str:
    return ascii(raw[:40]) if isinstance(raw, str) else kind_of(raw)


def read_dependencies(raw: object, path: str, problems: Problems) -> dict[str, object]:
    """Accept a list of ids, or a table of ids and conditions; null means the default condition."""
    if isinstance(raw, list):
        read_argv(raw, path, problems)
        return {name: None for name in raw if isinstance(name, str)}
    if not isinstance(raw, dict):
        problems.error(path, f"expected a list of ids or a table of ids and conditions, got {kind_of(raw)}")
        return {}
    found: dict[str, object] = {}
    for name, value in raw.items():
        here = join(path, name)
        if isinstance(value, dict):
            for key in value.keys() - {"condition", "restart"}:
                problems.error(join(here, key), f"unknown field{problems.suggest(key, ('condition', 'restart'))}")
            if not isinstance(value.get("restart", False), bool):
                problems.error(f"{here}.restart", f"expected true or false, got {kind_of(value['restart'])}")
            here, value = f"{here}.condition" if "condition" in value else here, value.get("condition")
        _check_condition(value, here, problems)
        found[name] = value
    return found


def _check_condition(condition: object, path: str, problems: Problems) -> None:
    conditions = get_args(Condition)
    if condition is not None and condition not in conditions:
        near = problems.suggest(condition, conditions) if isinstance(condition, str) else ""
        problems.error(path, f"expected one of {', '.join(conditions)}{near}")


def read_signal(raw: object, path: str, problems: Problems) -> object:
    """Accept `SIGTERM`, `TERM`, `term` or `15`, all of which become `SIGTERM`."""
    import signal

    word = raw.upper() if isinstance(raw, str) else raw
    for known in signal.Signals:
        if word in (known.name, known.name.removeprefix("SIG"), str(known.value), known.value) and word is not True:
            return known.name
    got = ascii(raw[:40]) if isinstance(raw, str) else kind_of(raw)
    near = problems.suggest(raw, [known.name for known in signal.Signals]) if isinstance(raw, str) else ""
    problems.error(path, f"expected the name of a signal such as SIGTERM, got {got}{near}")
    return raw


def read_umask(raw: object, path: str, problems: Problems) -> object:
    if isinstance(raw, str) and re.fullmatch(r"(0o)?[0-7]{1,4}", raw):
        raw = int(raw, 8)
    if raw is not None and (not isinstance(raw, int) or isinstance(raw, bool) or not 0 <= raw <= 0o777):
        problems.error(path, 'expected an octal string such as "022" or a number from 0 to 511')
    return raw


def read_user(raw: object, path: str, problems: Problems) -> object:
    return _matching(_USER, 'expected "name" or "name:group"', raw, path, problems)


def read_label(raw: object, path: str, problems: Problems) -> object:
    if raw is not None and not (isinstance(raw, str) and raw.strip() and raw.isprintable()):
        problems.error(path, "expected a word")
    return raw


def read_labels(raw: object, path: str, problems: Problems) -> object:
    labels = [raw] if isinstance(raw, str) else raw
    if not isinstance(labels, list):
        problems.error(path, f"expected a list of words, got {kind_of(raw)}")
        return raw
    for index, label in enumerate(labels):
        read_label(label if label is not None else "", f"{path}[{index}]", problems)
    return labels


def read_host(raw: object, path: str, problems: Problems) -> object:
    """Refuse an empty host, which would mean all interfaces."""
    return _matching(_HOST, "expected a host such as 127.0.0.1", raw if raw is not None else "", path, problems)


def read_route(raw: object, path: str, problems: Problems) -> object:
    """Return a route that hides none of PocketBase's own routes."""
    if not isinstance(raw, str) or not _ROUTE.fullmatch(raw) or {".", ".."} & {*raw.split("/")}:
        rule = "a path such as /api/agent: segments of letters, digits, '.', '_' and '-', no slash at the end"
        problems.error(path, f"expected {rule}")
    elif raw.startswith("/_") or raw == "/api" or (raw.startswith("/api/") and raw.split("/")[2] in POCKETBASE_ROUTES):
        problems.error(path, f"{raw} belongs to PocketBase; choose another such as /api/agent")
    return raw


def read_origin(raw: object, path: str, problems: Problems) -> object:
    if raw is None:
        return None
    if not isinstance(raw, str) or not _ORIGIN.fullmatch(raw):
        problems.error(path, "expected the address of a PocketBase such as http://127.0.0.1:8090")
        return raw
    return raw.rstrip("/")


def read_http(raw: object, path: str, problems: Problems) -> object:
    before = problems.errors
    _matching(_HTTP, "expected a URL such as http://127.0.0.1:8001/health", raw, path, problems)
    if isinstance(raw, str) and problems.errors == before and not _has_port(without_references(raw)):
        problems.error(path, "its port must be a number from 1 to 65535")
    return raw


def _has_port(url: str) -> bool:
    """Return whether the port of a URL is valid or absent."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def read_tcp(raw: object, path: str, problems: Problems) -> object:
    found = _TCP.fullmatch(without_references(raw)) if isinstance(raw, str) else None
    if raw is not None and not (found and 1 <= int(found[1]) <= 65535):
        problems.error(path, "expected host:port, such as 127.0.0.1:8001")
    return raw


def read_pattern(raw: object, path: str, problems: Problems) -> object:
    """Accept a regular expression that can be searched in linear time."""
    if not isinstance(raw, str) or not raw:
        if raw is not None:
            problems.error(path, "expected a regular expression")
        return raw
    from pmtui.text.regex import Pattern, PatternError

    _check_text(raw, path, problems)
    try:
        Pattern(without_references(raw))
    except PatternError as error:
        problems.error(path, str(error))
    return raw


def read_path(raw: object, path: str, problems: Problems) -> object:
    return _matching(_PATH, "expected the path of a file", raw, path, problems)


def read_ignore(raw: object, path: str, problems: Problems) -> object:
    """Accept a line of a .gitignore, or a list of them."""
    before = problems.errors
    patterns = read_strings(raw, path, problems)
    if isinstance(patterns, list) and problems.errors == before:
        for index, pattern in enumerate(patterns):
            _check_ignore(pattern, f"{path}[{index}]" if isinstance(raw, list) else path, problems)
    return patterns


def _check_ignore(pattern: str, path: str, problems: Problems) -> None:
    import warnings

    from pathspec import GitIgnoreSpec

    try:
        with warnings.catch_warnings(action="ignore"):
            GitIgnoreSpec.from_lines([pattern], backend="simple")
    except (ValueError, re.error):
        problems.error(path, f"is not a valid .gitignore pattern: {pattern[:40]!a}")


def read_hooks(raw: object, path: str, problems: Problems) -> dict[str, object]:
    events = get_args(HookEvent)
    table = _table(raw, path, problems)
    for name, target in table.items():
        here = join(path, name)
        if name not in events:
            problems.error(here, f"unknown event{problems.suggest(name, events)}: known are {', '.join(events)}")
        elif isinstance(target, list):
            read_command(target, here, problems)
        else:
            rule = "expected a URL, or a program and its arguments as a list"
            _matching(_HTTP, rule, target if target is not None else "", here, problems)
    return table


def check_health(good: dict[str, Any], path: str, problems: Problems) -> None:
    kinds = [name for name in PROBES if good.get(name) not in (None, False)]
    if len(kinds) != 1:
        got = " and ".join(kinds) or "none"
        problems.error(path, f"expected exactly one of {', '.join(PROBES)}, got {got}")
    if "verify" in good and not str(good.get("http")).lower().startswith("https:"):
        problems.warn(join(path, "verify"), "has no effect without an https URL in health.http")


def _table(raw: object, path: str, problems: Problems) -> dict[str, Any]:
    if isinstance(raw, dict):
        return raw
    problems.error(path, f"expected a table of names and values, got {kind_of(raw)}")
    return {}


def _matching(pattern: re.Pattern[str], rule: str, raw: object, path: str, problems: Problems) -> object:
    if raw is None:
        return raw
    if not isinstance(raw, str) or not pattern.fullmatch(raw):
        problems.error(path, rule)
    else:
        _check_text(raw, path, problems)
    return raw


def _check_text(text: str, path: str, problems: Problems) -> None:
    if "\0" in text:
        problems.error(path, "holds a NUL, which the operating system cannot take")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        problems.error(path, "holds half a character (a lone surrogate)")
