"""Read a compose file beside the processes: what it builds from their directories, and the containers it runs."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pmtui.importers.builder import UnsupportedFileError, id_of
from pmtui.importers.formats import parse_yaml
from pmtui.importers.scan.found import is_port, read_text

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_SERVICE = re.compile(r"[A-Za-z0-9._-]+")
_PUBLISHED = re.compile(r"[0-9]{1,5}")


class Container(msgspec.Struct, frozen=True):
    """A service with an image; `port` is the published one, if any."""

    service: str
    port: int | None


class Compose(msgspec.Struct, frozen=True):
    """What a compose file says: the name of each service by the directory it is built from, and the containers."""

    name: str = ""
    services: dict[str, str] = {}
    containers: list[Container] = []


def read_compose(folder: Path) -> Compose:
    name = next((name for name in COMPOSE_FILES if (folder / name).is_file()), "")
    if not name:
        return Compose()
    try:
        values = parse_yaml(read_text(folder / name))
    except UnsupportedFileError:
        return Compose(name)
    services = values.get("services") if isinstance(values, dict) else None
    known = {
        str(key): value
        for key, value in (services.items() if isinstance(services, dict) else ())
        if isinstance(value, dict) and _SERVICE.fullmatch(str(key))
    }
    built = {directory: id_of(key) for key, value in known.items() if (directory := _context(folder, value))}
    containers = [Container(key, _port(value)) for key, value in known.items() if "build" not in value]
    return Compose(name, built, containers)


def section(container: Container) -> Iterator[str]:
    """Yield the lines of a process that runs the container."""
    yield f"[process.{id_of(container.service)}]"
    yield f'command = "docker compose up --no-log-prefix {container.service}"'
    yield 'stopTimeout = "15s"'
    if container.port:
        yield f'health = {{ tcp = "127.0.0.1:{container.port}" }}'


def _context(folder: Path, service: dict[str, Any]) -> str:
    build = service.get("build")
    context = build.get("context") if isinstance(build, dict) else build
    return os.path.normpath(folder / context) if isinstance(context, str) else ""


def _port(service: dict[str, Any]) -> int | None:
    ports = service.get("ports")
    for entry in ports if isinstance(ports, list) else []:
        short = str(entry).rpartition(":")[0].rpartition(":")[2]
        published = str(entry.get("published")) if isinstance(entry, dict) else short
        if _PUBLISHED.fullmatch(published) and is_port(int(published)):
            return int(published)
    return None
