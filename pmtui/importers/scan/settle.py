"""Settle what concerns several processes: ports, health checks, environment files, and what they have in common."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from pmtui.config.model import ProcessConfig
from pmtui.config.requirements import requirement_hint
from pmtui.config.virtualenv import find_virtualenv
from pmtui.importers.scan.found import FoundProcess, read_text

_SHARED = ("envFile", "install")
_MODULE = re.compile(r"python3 -m (\w+)")
_ENV_PORT = re.compile(r"^(?:export\s+)?PORT=[\"']?(\d{2,5})\b", re.MULTILINE)
_PROFILES = {
    ".env.production": "production",
    ".env.prod": "prod",
    ".env.staging": "staging",
    ".env.test": "test",
    ".env.development": "development",
}


def add_install(process: FoundProcess, directory: Path, root: Path) -> None:
    """Let dependencies be installed that are missing."""
    script, command = process.fields.get("script"), process.fields.get("command")
    config = ProcessConfig(id=process.id, script=script, command=command, cwd=str(directory), folder=str(root))
    if hint := requirement_hint(config, os.environ):
        process.fields["install"] = "auto"
        process.notes.append(f"install: {hint.partition(':')[0]}")
    elif command and (module := _MODULE.match(command)) and find_virtualenv(config) is None:
        process.notes.append(f"{module[1]} has to be installed for python3: there is no .venv and no requirements.txt")


def add_environment(process: FoundProcess, directory: Path, root: Path) -> None:
    """Read the .env of the project and that of the process's directory."""
    if "envFile" in process.fields:
        return
    folders = dict.fromkeys((root, directory))
    files = [os.path.relpath(folder / ".env", root) for folder in folders if (folder / ".env").is_file()]
    if files:
        process.fields["envFile"] = files
    port = _ENV_PORT.search(read_text(directory / ".env"))
    if port and process.follows_port:
        process.notes = [note for note in process.notes if not note.startswith("port ")]
        process.with_port(int(port[1]), True, "PORT in .env")


def add_ports(processes: Sequence[FoundProcess]) -> None:
    """Give each server its port, another one if it follows and its own is taken, and a health check of that port."""
    taken: dict[int, str] = {}
    for process in processes:
        if process.port is None:
            continue
        if (owner := taken.get(process.port)) and not process.follows_port:
            process.notes.append(f"port {process.port} is that of {owner} too: change one of them")
            process.suggestions.append(f"port = {process.port}")
            continue
        if owner:
            others = chain(range(process.port + 1, 65536), range(1024, process.port))
            process.port = next(port for port in others if port not in taken)
            process.notes.append(f"port {process.port} instead, because {owner} has that one")
        taken[process.port] = process.id
        process.fields["port"] = process.port
        _add_health(process)


def _add_health(process: FoundProcess) -> None:
    if process.health_path:
        process.fields["health"] = {"http": f"http://127.0.0.1:${{port}}{process.health_path}"}
        process.notes.append(f"health: the program serves {process.health_path}")
    else:
        process.fields["health"] = {"tcp": "127.0.0.1:${port}"}
        process.notes.append("health: its port accepts connections; a route such as /health would say more")


def common_fields(processes: Sequence[FoundProcess]) -> dict[str, Any]:
    """Take the fields that several processes share out of them, and return them."""
    defaults: dict[str, Any] = {}
    for field in _SHARED:
        values = [process.fields[field] for process in processes if field in process.fields]
        if len(values) < 2 or values.count(values[0]) < 2 or (field == "envFile" and len(values) < len(processes)):
            continue
        defaults[field] = values[0]
        for process in processes:
            if process.fields.get(field) == values[0]:
                del process.fields[field]
    return defaults


def production_profiles(root: Path, processes: Sequence[FoundProcess]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return profiles: one for each further environment file, and the commands of production."""
    profiles: dict[str, dict[str, dict[str, Any]]] = {}
    own = [".env"] if (root / ".env").is_file() else []
    for name, profile in _env_files(root):
        profiles[profile] = {process.id: {"envFile": [*own, name]} for process in processes}
    production = next((known for known in ("production", "prod") if known in profiles), "prod")
    for process in processes:
        if process.production:
            tables = profiles.setdefault(production, {})
            tables[process.id] = {"command": process.production} | tables.get(process.id, {})
            before = f"; run {process.build} first" if process.build else ""
            process.notes.append(f"profile {production}: {process.production}{before}")
    return profiles


def _env_files(root: Path) -> Iterator[tuple[str, str]]:
    yield from ((name, profile) for name, profile in _PROFILES.items() if (root / name).is_file())
