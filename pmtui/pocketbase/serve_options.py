"""What `pocketbase serve` was started with, read from its command line as PocketBase reads it."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SWITCHES = {"dev", "hooksWatch", "automigrate", "indexFallback", "help", "version"}
"""Options that take no value."""
ANY_ADDRESS = ("", "0.0.0.0", "[::]")
DEFAULT_ADDRESS = "127.0.0.1:8090"


@dataclass(frozen=True)
class ServeOptions:
    """`url` is where PocketBase can be reached on this machine; its fragment is the name in the certificate."""

    port: int
    url: str
    hooks_dir: str


def is_serve(words: Sequence[str]) -> bool:
    """Whether the command line `words`, program first, is that of a PocketBase that serves."""
    return _parse(words[1:])[1][:1] == ["serve"]


def serve_options(words: Sequence[str], directory: Path) -> ServeOptions:
    """The options of `pocketbase serve` in the command line `words`, started in `directory`.

    Raises ValueError if an address has no port.
    """
    options, positional = _parse(words[1:])
    domains = positional[1:]
    port, url = _addresses(options, domains)
    # A program below the temporary directory is taken for `go run`, and has its data in the current directory.
    is_temporary = words[0].startswith(tempfile.gettempdir())
    base = directory if is_temporary else directory / os.path.dirname(words[0])
    data_dir = directory / options["dir"] if options.get("dir") else base / "pb_data"
    hooks_dir = directory / options["hooksDir"] if options.get("hooksDir") else data_dir / ".." / "pb_hooks"
    return ServeOptions(port, url, os.path.normpath(hooks_dir))


def _addresses(options: dict[str, str], domains: Sequence[str]) -> tuple[int, str]:
    host, port = _address(options.get("http") or ("0.0.0.0:80" if domains else DEFAULT_ADDRESS))
    secure = options.get("https") or ("0.0.0.0:443" if domains else "")
    if not secure:
        return port, f"http://{host}:{port}"
    secure_host, secure_port = _address(secure)
    return port, f"https://{secure_host}:{secure_port}#{domains[0] if domains else secure_host}"


def _parse(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    positional: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            positional.append(word)
            continue
        name, has_value, value = word.lstrip("-").partition("=")
        if not has_value and name not in SWITCHES and rest:
            value = rest.pop(0)
        options[name] = value
    return options, positional


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        raise ValueError(f"PocketBase's address '{text}' has no port; use one such as {DEFAULT_ADDRESS}")
    return "127.0.0.1" if host in ANY_ADDRESS else host, int(port)
