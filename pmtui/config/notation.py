"""Advice in the notation of the user's config: messages write settings as in TOML."""

import re
from pathlib import PurePath

_TOML = re.compile(r'\b([a-z][A-Za-z]*) = ("[^"]*"|true|false|-?\d+|\[[^\]]*\])')
_JSON = re.compile(r'"([a-z][A-Za-z]*)": ("[^"]*"|true|false|-?\d+|\[[^\]]*\])')


def in_notation(text: str, config: str | None) -> str:
    """Rewrite settings such as `install = "auto"` for the format of the config, TOML if there is none."""
    suffix = PurePath(config or "").suffix
    toml = _JSON.sub(r"\1 = \2", text)
    if suffix == ".json":
        return _TOML.sub(r'"\1": \2', toml)
    return _TOML.sub(r"\1: \2", toml) if suffix in (".yaml", ".yml") else toml
