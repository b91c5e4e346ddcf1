"""Ports of processes: what is declared, and the references to them in `command`, `args`, `env` and `health`."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Literal

from msgspec.structs import replace

from pmtui.config.model import ConfigError, Health, ProcessConfig
from pmtui.config.parsing.problems import join
from pmtui.config.sockets import declared_sockets, descriptor_of

PortNumber = int | Literal["auto"]
Lookup = Callable[[str | None, str], str]
"""Return what a reference stands for: a process (None: the one that refers), and the name of a port or socket.

Raises ConfigError if there is no such process, port or socket.
"""

DEFAULT_NAME = "http"
"""What `port` is called in `ports`."""
PLACEHOLDER = "20000"
"""Stands for a port that is chosen at the start."""
_NAME = r"port|ports\.[A-Za-z][A-Za-z0-9_-]*|sockets\.[A-Za-z][A-Za-z0-9_-]*(?:\.fd)?"
# Own names come first: `${ports.port}` is a port of the process itself, not of one called `ports`.
_REFERENCE = rf"\{{(?:|([A-Za-z0-9][A-Za-z0-9._-]{{0,63}})\.)({_NAME})\}}"
_IN_TEXT = re.compile(rf"\$(\$?){_REFERENCE}")
_IN_ENV = re.compile(rf"\$(?:(\$)|{_REFERENCE})")


def declared_ports(config: ProcessConfig) -> dict[str, PortNumber]:
    """Return the ports by name, in order; the first one is the main one."""
    return ({DEFAULT_NAME: config.port} if config.port is not None else {}) | config.ports


def port_variables(config: ProcessConfig) -> dict[str, str]:
    """Return `PORT` and `PORT_NAME` for the ports that have a number."""
    numbers = {name: str(port) for name, port in declared_ports(config).items() if port != "auto"}
    named = {variable_of(name): number for name, number in numbers.items()}
    return {"PORT": next(iter(numbers.values()))} | named if numbers else {}


def variable_of(name: str) -> str:
    return "PORT_" + name.upper().replace("-", "_")


def shift_ports(config: ProcessConfig, number: int) -> ProcessConfig:
    """Return the config of instance `number`, whose fixed ports are that much higher than those of the first one."""
    shifted = {name: port if port == "auto" else port + number - 1 for name, port in config.ports.items()}
    main = config.port if config.port in (None, "auto") else int(config.port or 0) + number - 1
    return replace(config, port=main, ports=shifted)


def bind(config: ProcessConfig, ports: Mapping[str, PortNumber], lookup: Lookup) -> ProcessConfig:
    """Return the config with these ports and without references. Raises ConfigError if one has no meaning."""
    changes: dict[str, object] = {"port": None, "ports": {**ports}} if ports else {}
    fill = partial(_fill, lookup=lookup)
    if config.command and "${" in config.command:
        changes["command"] = fill(config.command, keep_own=config.shell and not ports)
    if any("${" in word for word in config.args):
        changes["args"] = [*map(fill, config.args)]
    if any("${" in value for value in config.env.values()):
        changes["env"] = {name: _fill_variable(value, config, lookup) for name, value in config.env.items()}
    if config.health:
        changes["health"] = _bind_health(config.health, fill)
    return replace(config, **changes) if changes else config


def without_references(text: str) -> str:
    """Return the text with a number in place of every reference, to see whether it is valid otherwise."""
    return _IN_TEXT.sub(PLACEHOLDER, text)


def references(config: ProcessConfig) -> Iterator[tuple[str, str | None, str]]:
    """Yield field, process (None: its own) and name of each reference."""
    shell = config.shell and not declared_ports(config)
    for path, text in _texts(config):
        if "${" not in text:
            continue
        for found in (_IN_ENV if path.startswith("env") else _IN_TEXT).finditer(text):
            escape, process_id, name = found.groups()
            is_foreign = not process_id and name == "port" and ((shell and path == "command") or "port" in config.env)
            if not escape and not is_foreign:
                yield path, process_id, name


def lookup_in(configs: Iterable[ProcessConfig]) -> Callable[[ProcessConfig], Lookup]:
    """Return the lookup of each of these processes, before any runs; `auto` ports have a placeholder."""
    by_id: dict[str, ProcessConfig] = {}
    for config in configs:
        by_id[config.id] = config
        if config.instance == 1:
            by_id.setdefault(config.id.rpartition("-")[0], config)

    def find(own: ProcessConfig, process_id: str | None, name: str) -> str:
        target = by_id.get(process_id) if process_id else own
        return find_address(declared_addresses(target) if target else None, process_id, name)

    return lambda own: partial(find, own)


def declared_addresses(config: ProcessConfig) -> dict[str, str]:
    """Return what its references stand for before it runs."""
    ports = {name: PLACEHOLDER if port == "auto" else str(port) for name, port in declared_ports(config).items()}
    sockets = {name: str(address).replace("auto", PLACEHOLDER) for name, address in declared_sockets(config).items()}
    return addresses(config, ports, sockets)


def addresses(config: ProcessConfig, ports: Mapping[str, object], sockets: Mapping[str, object]) -> dict[str, str]:
    """Return what each reference to a process stands for, by the name behind its id."""
    found = {"port": str(next(iter(ports.values())))} if ports else {}
    found |= {f"ports.{name}": str(port) for name, port in ports.items()}
    found |= {f"sockets.{name}": str(address) for name, address in sockets.items()}
    return found | {f"sockets.{name}.fd": str(descriptor_of(config, name)) for name in sockets}


def find_address(found: Mapping[str, str] | None, process_id: str | None, name: str) -> str:
    """Return what a reference stands for; `found` is None without such a process. Raises ConfigError if nothing."""
    reference = f"${{{process_id}.{name}}}" if process_id else f"${{{name}}}"
    if found is None:
        raise ConfigError(f"{reference}: no process has the id {process_id}")
    if name in found:
        return found[name]
    owner, kind = process_id or "the process", name.partition("s.")[0]
    known = [key.partition(".")[2] for key in found if key.startswith(f"{kind}s.") and not key.endswith(".fd")]
    if not known:
        hint = "port or ports" if kind == "port" else "sockets"
        raise ConfigError(f"{reference}: {owner} has no {kind}; give it {hint}")
    raise ConfigError(f"{reference}: {owner} has no {kind} of this name, only {', '.join(known)}")


def _texts(config: ProcessConfig) -> Iterator[tuple[str, str]]:
    """Yield every field that may refer to a port, with its path."""
    if config.command:
        yield "command", config.command
    for index, word in enumerate(config.args):
        yield f"args[{index}]", word
    for variable, value in config.env.items():
        yield join("env", variable), value
    if health := config.health:
        for field in ("http", "tcp", "log", "file"):
            yield f"health.{field}", getattr(health, field) or ""
        for index, word in enumerate(health.command or ()):
            yield f"health.command[{index}]", word


def _fill(text: str, lookup: Lookup, *, keep_own: bool = False) -> str:
    """Replace the references; `keep_own`: `${port}` is a variable of the shell."""

    def value(found: re.Match[str]) -> str:
        escape, process_id, name = found.groups()
        if escape:
            return found[0][1:]
        return found[0] if keep_own and not process_id and name == "port" else lookup(process_id, name)

    return _IN_TEXT.sub(value, text)


def _fill_variable(text: str, config: ProcessConfig, lookup: Lookup) -> str:
    """Replace the references, and leave `$$` for what expands variables."""

    def value(found: re.Match[str]) -> str:
        escape, process_id, name = found.groups()
        is_variable = not process_id and name == "port" and "port" in config.env
        return found[0] if escape or is_variable else lookup(process_id, name).replace("$", "$$")

    return _IN_ENV.sub(value, text)


def _bind_health(health: Health, fill: Callable[[str], str]) -> Health:
    texts = {
        name: fill(text) for name in ("http", "tcp", "log", "file") if (text := getattr(health, name)) and "${" in text
    }
    command = [*map(fill, health.command)] if health.command else None
    return replace(health, command=command, **texts)
