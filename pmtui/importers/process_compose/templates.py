"""Expand the strings of process-compose: `${VAR}`, which it replaces before parsing, and `{{.NAME}}`."""

import re
from collections.abc import Collection, Mapping
from typing import Any

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_]\w*)(?::?[-=]([^}]*))?\}|([A-Za-z_]\w*))")
_BRACED = re.compile(r"\$\$|['\"]|\\['\"\\]|\$\{([A-Za-z_]\w*)(?::?[-=]([^}]*))?\}")
_RENDERED = re.compile(r"\{\{-?\s*+(?:(?:\.(\w++)|\"([^\"]*+)\"|`([^`]*+)`)\s*+-?\}\}|[^{}]*+\}\})")
_NO_NAMES: frozenset[str] = frozenset()


class TemplateText:
    """How one file's strings are meant. `is_raw`: nothing is expanded, as with `disable_env_expansion`.

    Variables are those of process-compose itself. `hidden` are names that mean something else within the process,
    because its environment sets them: they are expanded now.
    """

    def __init__(self, environment: Mapping[str, str], names: Mapping[str, Any], is_raw: bool) -> None:
        self._environment = environment
        self._is_raw = is_raw
        self._names: dict[str, str] = {}
        self.unknown: list[str] = []
        self._names = {name: _go_text(self.expand_values(value)) for name, value in names.items()}

    def command(self, text: str, hidden: Collection[str] = _NO_NAMES, is_rendered: bool = True) -> str:
        """Return a command for a shell, which expands the variables itself at each start, also those in quotes."""
        text = self._render(text) if is_rendered else text
        if self._is_raw:
            return text
        quote = ""

        def one(found: re.Match[str]) -> str:
            nonlocal quote
            if found[0] == "$$":
                return "$"
            if not found[1]:
                quote = _quote_after(quote, found[0])
                return found[0]
            if found[1] in hidden:
                return self._now(found[1], found[2])
            return f"'\"{found[0]}\"'" if quote == "'" else found[0]

        return _BRACED.sub(one, text)

    def value(self, text: str, hidden: Collection[str] = _NO_NAMES) -> str:
        """Return a value for `env`, whose `${VAR}` are expanded at each start."""
        text = self._render(text)
        if self._is_raw:
            return text.replace("$", "$$")

        def one(found: re.Match[str]) -> str:
            if found[1]:
                return "$$"
            name, default = found[2] or found[4], found[3]
            if name in hidden:
                return self._now(name, default).replace("$", "$$")
            return f"${{{name}{f':-{default}' if default is not None else ''}}}"

        return _VARIABLE.sub(one, text)

    def references(self, text: str, braced: bool = False) -> set[str]:
        """Return the names of the variables in the text; `braced`: only `${NAME}`."""
        if self._is_raw:
            return set()
        return {found[2] or found[4] for found in _VARIABLE.finditer(text) if found[2] or (found[4] and not braced)}

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
            return self._now(name, found[3])

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

    def _now(self, name: str, default: str | None) -> str:
        return self._environment.get(name) or default or ""

    def _render(self, text: str) -> str:
        def one(found: re.Match[str]) -> str:
            name, *literals = found.groups()
            for literal in literals:
                if literal is not None:
                    return str(literal)
            if name in self._names:
                return self._names[name]
            self.unknown.append(found[0])
            return found[0]

        return _RENDERED.sub(one, text)


def _quote_after(quote: str, text: str) -> str:
    """Return the quotation mark that is open after a mark, or one with a backslash before it."""
    if quote == "'":
        return "" if text[-1] == "'" else quote
    if len(text) > 1 or quote not in ("", text):
        return quote
    return "" if quote else text


def _go_text(value: object) -> str:
    """Format a value as Go's templates do."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
