"""Settings of sockets that do not do what they seem to: `pmtui check` warns of them."""

import os
from collections.abc import Iterator
from contextlib import suppress

from pmtui.config.interpreter import split_command
from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.sockets import declared_sockets

SERVER_FLAGS = {"uvicorn": "--fd", "hypercorn": "fd://"}
"""The option with which a server takes over a socket. Other servers read LISTEN_FDS."""


def socket_hints(config: ProcessConfig) -> Iterator[tuple[str, str]]:
    """Yield field and warning. The config has no references any more."""
    if not config.sockets:
        return
    words = [*_words(config), *config.args]
    name, field = next(iter(config.sockets)), "command" if config.command else "args"
    for server, flag in SERVER_FLAGS.items():
        if any(os.path.basename(word) == server for word in words) and not any(word.startswith(flag) for word in words):
            needed = f"--bind {flag}" if server == "hypercorn" else f"{flag} "
            yield field, f"{server} opens its own socket; add {needed}${{sockets.{name}.fd}}"
    asked = (config.health.http or config.health.tcp or "") if config.rolling and config.health else ""
    if any(str(address) in asked for address in declared_sockets(config).values()):
        yield "health", "asks the shared socket, where the old run may answer; use notify, log, command or a port"


def _words(config: ProcessConfig) -> list[str]:
    with suppress(ConfigError):
        return split_command(config.command) if config.command else []
    return []
