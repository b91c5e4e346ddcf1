"""The user's own keys: how they are written, and which action each is for."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from pmtui.dashboard.actions import ACTIONS, NAMES, Action, format_key

_NAMED_KEYS = {str(key.value) for key in Keys}
_MODIFIERS = {"ctrl", "shift", "alt"}


class BindingError(ValueError):
    """Some keys are unknown or used twice; `problems` names all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def parse_key(text: str) -> str:
    """Return Textual's name of a key written as `r`, `?`, `F5`, `Ctrl-R`, `Space` or `slash`. Raises ValueError."""
    if len(text) == 1:
        return text if text.isalnum() else _character_name(text)
    lowered = text.lower()
    *modifiers, key = re.split(r"[+-](?=.)", lowered)
    names = {shown.lower(): name for name, shown in NAMES.items()}
    key = names.get(key, key) if len(key) > 1 or not key.isalnum() else key
    if not set(modifiers) <= _MODIFIERS or not (modifiers or key in _NAMED_KEYS or key in names.values()):
        raise ValueError(f"unknown key '{text}'")
    if len(key) == 1 and not key.isalnum():
        key = _character_name(key)
    return "+".join([*modifiers, key])


def _character_name(character: str) -> str:
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    if not name or not character.isprintable():
        raise ValueError(f"unknown key {character!r}")
    return "space" if character == " " else KEY_NAME_REPLACEMENTS.get(name, name)


def parse_bindings(table: Any) -> Mapping[str, str]:
    """Return the keys of actions by their ids, from a table of names to one key or several. Raises BindingError."""
    if not isinstance(table, dict):
        raise BindingError(["keys: expected a table of actions and their keys"])
    by_name = {action.name: action for action in ACTIONS}
    problems: list[str] = []
    chosen: dict[str, str] = {}
    for name, value in table.items():
        if name not in by_name:
            close = get_close_matches(name, by_name, 1)
            hint = f"did you mean {close[0]}?" if close else "see pmtui config keys"
            problems.append(f"keys: unknown action '{name}'; {hint}")
            continue
        try:
            chosen[by_name[name].id] = ",".join(map(parse_key, _key_list(value)))
        except ValueError as error:
            problems.append(f"keys.{name}: {error}")
    problems += _clashes(customized(chosen))
    if problems:
        raise BindingError(problems)
    return chosen


def _key_list(value: Any) -> Sequence[str]:
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise ValueError('expected a key such as "r", or a list of keys')
    return keys


def _clashes(actions: Sequence[Action]) -> Sequence[str]:
    users: dict[str, list[str]] = {}
    for action in actions:
        for key in action.keys.split(","):
            users.setdefault(key, []).append(action.name)
    return [
        f"keys: {' and '.join(names)} both have {format_key(key)}; give one of them another key"
        for key, names in users.items()
        if len(names) > 1
    ]


def key_lines(keys: Mapping[str, str]) -> Iterator[str]:
    """Yield a table of all actions, with `*` before those whose keys the user has changed."""
    actions = customized(keys)
    name_width = max(len(action.name) for action in actions)
    key_width = max(len(action.all_keys) for action in actions)
    for action in actions:
        sign = "*" if action.id in keys else " "
        yield f"{sign} {action.name:<{name_width}}  {action.all_keys:<{key_width}}  {action.help}"


def named_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    """Return the keys by the names of actions, which identify Textual's bindings."""
    return {action.name: action.keys for action in customized(keys) if action.id in keys}


def customized(keys: Mapping[str, str], actions: Sequence[Action] = ACTIONS) -> Sequence[Action]:
    """Return the actions with the user's keys."""
    return [replace(action, keys=keys.get(action.id, action.keys)) for action in actions]
