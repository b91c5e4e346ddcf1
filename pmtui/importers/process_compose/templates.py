"""Expand the strings of process-compose: `${VAR}`, which it replaces before parsing, and `{{.NAME}}`."""

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))")
_RENDERED = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")


class TemplateText:
    """How one file's strings are meant. `is_raw`: nothing is expanded, as with `disable_env_expansion`."""

    def __init__(self, environment: Mapping[str, str], names: Mapping[str, Any], is_raw: bool) -> None:
        self._environment = environment
        self._names = {name: str(value) for name, value in names.items()}
        self._is_raw = is_raw
        self.unknown: list[str] = []

    def command(self, text: str) -> str:
        """Return a command for a shell, which expands the variables itself at each start."""
        text = self._render(text)
        return text if self._is_raw else text.replace("$$", "$")

    def value(self, text: str) -> str:
        """Return a value for `env`, whose `${VAR}` are expanded at each start."""
        text = self._render(text)
        if self._is_raw:
            return text.replace("$", "$$")

        def one(found: re.Match[str]) -> str:
            if found[1]:
                return "$$"
            default = f":-{found[3]}" if found[3] is not None else ""
            return f"${{{found[2] or found[4]}{default}}}"

        return _VARIABLE.sub(one, text)

    def expand_now(self, text: str) -> str:
        """Expand with the current variables. Missing ones are empty, as in process-compose, and are added to
        `unknown`.
        """
        text = self._render(text)
        if self._is_raw:
            return text

        def one(found: re.Match[str]) -> str:
            if found[1]:
                return "$"
            name = found[2] or found[4]
            if name not in self._environment and found[3] is None:
                self.unknown.append(f"${{{name}}}")
            return self._environment.get(name) or found[3] or ""

        return _VARIABLE.sub(one, text)

    def expand_values(self, value: Any) -> Any:
        """Expand a value of any kind; a text that was a variable may become true or false."""
        match value:
            case dict():
                return {name: self.expand_values(item) for name, item in value.items()}
            case list():
                return [self.expand_values(item) for item in value]
            case str() if "$" in value or "{{" in value:
                text = self.expand_now(value)
                return {"true": True, "false": False}.get(text, text)
        return value

    def _render(self, text: str) -> str:
        def one(found: re.Match[str]) -> str:
            if found[1] not in self._names:
                self.unknown.append(found[0])
                return found[0]
            return self._names[found[1]]

        return _RENDERED.sub(one, text)
