"""Hide secrets: values of variables whose names look secret, and passwords in URLs."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from pmtui.config.model import ProcessConfig, Settings, Struct

MASK = "********"
MIN_SECRET_LENGTH = 4
"""Characters; a shorter value is in every other word of a text."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WORDS = frozenset(
    _WORD.findall(
        "TOKEN TOKENS SECRET SECRETS PASSWORD PASSWORDS PASSWD PASS PASSPHRASE PWD KEY KEYS CREDENTIAL CREDENTIALS "
        "CREDS DSN AUTH AUTHORIZATION PRIVATE COOKIE COOKIES JWT BEARER WEBHOOK SALT OTP"
    )
)
_ENDINGS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIALS", "APIKEY", "ACCESSKEY", "SECRETKEY")
_COUNTS = frozenset({"MAX", "MIN", "LIMIT", "COUNT", "NUM"})
_PATHS = frozenset({"PWD", "OLDPWD"})
_ORDINARY = frozenset({"true", "false", "none", "null"})

_URL_PASSWORD = re.compile(r"(://[^\s:/@]{0,256}:)((?![0-9]+(?:[/?#\s]|$))\S{1,512})@")
_VALUE = r"""("[^"]*"|'[^']*'|[^\s&"']+)"""
_ASSIGNED = re.compile(rf"(?<![\w-])(--?[A-Za-z][\w-]{{0,63}}(?:=| +)|[A-Za-z][\w-]{{0,63}}=){_VALUE}")
_HEADER = re.compile(r"(?<![\w-])([A-Za-z][\w-]{0,63}: )([^\"'\n]+)")
_HOOK = re.compile(r"(https?://[^/?#\s]*).+")


class Secret(str):
    """A value that is masked wherever it is shown, whatever its variable is called."""

    __slots__ = ()


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Return whether a word in the name of a variable or an option marks its value as secret."""
    words = [word.upper() for word in _WORD.findall(name)]
    if name in _PATHS or (words[-1:] == ["TOKENS"] and not _COUNTS.isdisjoint(words)):
        return False
    return any(word in _WORDS or word.endswith(_ENDINGS) for word in words)


def mask(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with secret values masked."""
    secrets = _secrets(env)
    shown = {name: MASK if value and _is_secret(name, value) else _hide(value, secrets) for name, value in env.items()}
    return {_printable(name): _printable(value) for name, value in shown.items()}


def redact(text: str, env: Mapping[str, str]) -> str:
    """Return the text without the secrets of that environment and without passwords in URLs."""
    return _hide(text, _secrets(env))


def masked_config(config: ProcessConfig | Settings) -> dict[str, Any]:
    """Return the configured fields, without defaults, as plain JSON values with secrets masked."""
    secrets = _secrets(config.env)
    shown = {name: _masked(name, value, secrets) for name, value in _plain(config).items()}
    if isinstance(config, ProcessConfig) and config.restart_after:
        cascading = {name: {"condition": config.depends_on[name], "restart": True} for name in config.restart_after}
        shown["dependsOn"] = {**config.depends_on, **cascading}
    if isinstance(config, ProcessConfig) and config.env_sources:
        shown.pop("envSources", None)
        return shown | {"env": mask(config.env) | dict.fromkeys(config.env_sources, MASK)}
    return shown | ({"env": mask(config.env)} if config.env else {})


def masked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return raw fields of the config with secrets masked."""
    env = values.get("env")
    texts = {name: value for name, value in env.items() if isinstance(value, str)} if isinstance(env, dict) else {}
    secrets = _secrets(texts)
    shown = {name: _masked(name, value, secrets) for name, value in values.items()}
    return shown | ({"env": {**env, **mask(texts)}} if isinstance(env, dict) else {})


def _plain(part: Struct) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        if value != _default(field) and field.name not in ("folder", "root", "restart_after"):
            plain[field.encode_name] = _plain(value) if isinstance(value, Struct) else value
    return plain


def _masked(name: str, value: object, secrets: list[str]) -> object:
    match value:
        case str():
            return MASK if name == "dsn" else _hide_options(_hide(value, secrets))
        case list():
            return _hide_words([_hide(item, secrets) if isinstance(item, str) else item for item in value])
        case dict() if name == "hooks":
            return {key: _hide_hook(item, secrets) for key, item in value.items()}
        case dict():
            return {key: _masked(key, item, secrets) for key, item in value.items()}
    return value


def _hide_hook(target: object, secrets: list[str]) -> object:
    """Hide the path of a webhook, which serves as its password."""
    return _HOOK.sub(rf"\1/{MASK}", target) if isinstance(target, str) else _masked("hook", target, secrets)


def _hide_words(words: list[Any]) -> list[Any]:
    """Hide secrets in an argv: `--token=x` and `TOKEN=x` in one word, `--token x` in two."""
    shown: list[Any] = []
    for before, word in zip([None, *words], words, strict=False):
        follows = isinstance(before, str) and before.startswith("-") and "=" not in before and looks_secret(before)
        if not isinstance(word, str):
            shown.append(word)
        else:
            shown.append(MASK if follows and not word.startswith("-") else _hide_options(word))
    return shown


def _hide_options(text: str) -> str:
    def hide(found: re.Match[str]) -> str:
        return f"{found[1]}{MASK}" if looks_secret(found[1]) else found[0]

    return _HEADER.sub(hide, _ASSIGNED.sub(hide, text))


def _hide(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _URL_PASSWORD.sub(rf"\1{MASK}@", text) if "://" in text else text


def _secrets(env: Mapping[str, str]) -> list[str]:
    return sorted(set(_found(env)), key=len, reverse=True)


def _found(env: Mapping[str, str]) -> Iterator[str]:
    for name, value in env.items():
        if _is_secret(name, value) and not _is_ordinary(value):
            yield str(value)
            yield from (line for line in value.splitlines() if not _is_ordinary(line))
        if "://" in value:
            yield from (found[2] for found in _URL_PASSWORD.finditer(value) if not _is_ordinary(found[2]))


def _is_secret(name: str, value: str) -> bool:
    return looks_secret(name) or isinstance(value, Secret)


def _is_ordinary(value: str) -> bool:
    is_path = value.startswith("/") and os.path.exists(value)
    return is_path or len(value) < MIN_SECRET_LENGTH or value.lower() in _ORDINARY


def _printable(text: str) -> str:
    """Drop lone surrogates, by which Python carries bytes that are not UTF-8 and which JSON cannot carry."""
    return text.encode(errors="replace").decode()


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
