"""Check ports: their names and numbers, that no two processes claim one, and that references have a meaning."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.parsing.dependencies import ConfigEntry, expand_instances, instance_ids
from pmtui.config.parsing.problems import Problems, join
from pmtui.config.ports import (
    DEFAULT_NAME,
    declared_addresses,
    declared_ports,
    find_address,
    references,
    variable_of,
)
from pmtui.config.sockets import LOOPBACK, SocketAddress, declared_sockets, parse_socket

MAX_PORT = 65535
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def read_port(raw: object, path: str, problems: Problems) -> object:
    is_number = isinstance(raw, int) and not isinstance(raw, bool) and 1 <= raw <= MAX_PORT
    if raw is not None and raw != "auto" and not is_number:
        problems.error(path, f'expected a number from 1 to {MAX_PORT} or "auto"')
    return raw


def read_ports(raw: object, path: str, problems: Problems) -> dict[str, Any]:
    if not isinstance(raw, dict):
        problems.error(path, 'expected a table of names and ports, such as {http = 8001, admin = "auto"}')
        return {}
    variables: dict[str, str] = {}
    for name, port in raw.items():
        here = join(path, name)
        if not _NAME.fullmatch(name):
            problems.error(here, "the name of a port has letters, digits, '_' and '-', and begins with a letter")
        elif other := variables.get(variable_of(name)):
            problems.error(here, f"{other} and {name} would both be {variable_of(name)} in the environment")
        variables[variable_of(name)] = name
        read_port(port if port is not None else "", here, problems)
    return raw


def read_sockets(raw: object, path: str, problems: Problems) -> dict[str, Any]:
    if not isinstance(raw, dict):
        problems.error(path, 'expected a table of names and addresses, such as {http = 8000, a = "unix:a.sock"}')
        return {}
    for name, written in raw.items():
        here = join(path, name)
        if not _NAME.fullmatch(name):
            problems.error(here, "the name of a socket has letters, digits, '_' and '-', and begins with a letter")
        try:
            parse_socket(written, "/")
        except ValueError:
            problems.error(here, 'expected a port, "127.0.0.1:8000", "[::1]:8000", "unix:PATH" or "auto"')
    return raw


def check_fields(fields: Mapping[str, Any], place: str, problems: Problems) -> None:
    """Report what the fields of one process contradict each other in."""
    port, ports, count = fields.get("port"), fields.get("ports", {}), fields.get("instances", 1)
    if port is not None and DEFAULT_NAME in ports:
        problems.error(f"{place}.port", f"is short for ports.{DEFAULT_NAME}, which is set too: leave one of them out")
    for path, number in (("port", port), *((join("ports", name), number) for name, number in ports.items())):
        if isinstance(number, int) and number + count - 1 > MAX_PORT:
            problems.error(f"{place}.{path}", f"instance {count} would have port {number + count - 1}")


def check_ports(entries: Sequence[ConfigEntry], problems: Problems) -> list[ConfigEntry]:
    """Report ports claimed twice and references without a meaning; wrong entries are returned without config."""
    checked = _without_duplicates(entries, problems)
    while True:
        known = _declared(checked)
        left = [_without_bad_references(entry, known, problems) for entry in checked]
        if [entry.config is None for entry in left] == [entry.config is None for entry in checked]:
            return left
        checked = left


Declared = Mapping[str, ProcessConfig | None]


def _declared(entries: Sequence[ConfigEntry]) -> Declared:
    """Map every id that may be referred to, also those of instances, to its config, None if that has errors."""
    found: dict[str, ProcessConfig | None] = {entry.id: entry.config for entry in entries}
    for entry in entries:
        if entry.config:
            found |= dict.fromkeys(instance_ids(entry.config), entry.config)
    return found


def _without_duplicates(entries: Sequence[ConfigEntry], problems: Problems) -> list[ConfigEntry]:
    taken: list[tuple[SocketAddress, str]] = []
    checked = []
    for entry in entries:
        config = entry.config
        claims = list(_claims(config)) if config and (config.port or config.ports or config.sockets) else []
        for path, owner, address in claims:
            if other := next((id for known, id in taken if id != owner and known.overlaps(address)), None):
                what = address.path or f"port {address.port}"
                problems.error(f"{entry.place}.{path}", f"{what} is that of {other} too")
                config = None
        taken += [(address, owner) for _, owner, address in claims]
        checked.append(msgspec.structs.replace(entry, config=config))
    return checked


def _claims(config: ProcessConfig) -> Iterator[tuple[str, str, SocketAddress]]:
    """Yield field, process and address of everything that the process listens on."""
    for one in expand_instances(config):
        for name, port in declared_ports(one).items():
            if port != "auto":
                path = "port" if one.port is not None and name == DEFAULT_NAME else join("ports", name)
                yield path, one.id, SocketAddress(LOOPBACK, port)
    for name, address in declared_sockets(config).items():
        if address.port != "auto":
            yield join("sockets", name), config.id, address


def _without_bad_references(entry: ConfigEntry, known: Declared, problems: Problems) -> ConfigEntry:
    if entry.config is None:
        return entry
    is_good = True
    for path, process_id, name in references(entry.config):
        if error := _error(entry.config, process_id, name, known, problems):
            problems.error(f"{entry.place}.{path}", error)
            is_good = False
    return entry if is_good else msgspec.structs.replace(entry, config=None)


def _error(own: ProcessConfig, process_id: str | None, name: str, known: Declared, problems: Problems) -> str:
    target = known.get(process_id) if process_id else own
    if process_id in known and target is None:
        return f"${{{process_id}.{name}}}: {process_id} is left out because of its errors"
    try:
        find_address(declared_addresses(target) if target else None, process_id, name)
    except ConfigError as error:
        return f"{error}{problems.suggest(process_id or '', known) if target is None else ''}"
    return ""
