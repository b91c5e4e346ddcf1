"""Scan a project: its directory and two levels below it, each with its Procfile, or its Python and Node programs."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pmtui.importers.builder import UnsupportedFileError, id_of
from pmtui.importers.detect import import_file
from pmtui.importers.scan.compose import Compose, read_compose
from pmtui.importers.scan.found import FoundProcess, is_project, read_text, subdirectories
from pmtui.importers.scan.node import find_node, is_workspace
from pmtui.importers.scan.python import find_python
from pmtui.importers.scan.settle import add_environment, add_install, add_ports, common_fields, production_profiles

DEPTH = 2
_MAX_PROCESSES = 200
_PROCFILES = ("Procfile.dev", "Procfile")
_GENERIC = ("main", "app", "server", "index", "run", "api", "web")
"""Ids that say less than the name of the directory, if there is a single process."""
_NO_PROJECTS = (
    "node_modules dist build out target vendor docs doc tests test examples scripts tools migrations alembic notebooks "
    "infra deploy static public assets templates pb_data pb_hooks pb_migrations site-packages coverage"
)
_FOREIGN = (
    "ecosystem.config.js",
    "ecosystem.config.cjs",
    "ecosystem.json",
    "supervisord.conf",
    "process-compose.yaml",
    "process-compose.yml",
    "process-compose.json",
    "mprocs.yaml",
    "mprocs.json",
    "dekit.yaml",
)


class Scan(msgspec.Struct):
    """What a project suggests: processes, what they have in common, profiles by name, containers beside them, and what
    else its owner should know.
    """

    processes: list[FoundProcess]
    defaults: dict[str, Any]
    profiles: dict[str, dict[str, dict[str, Any]]]
    compose: Compose
    hints: list[str]


class Directory(msgspec.Struct):
    """A directory with processes, the main one first."""

    path: Path
    processes: list[FoundProcess]


def scan_project(folder: Path) -> Scan:
    """Return what can be run below the directory, each id once, and what else its owner should know. Runs nothing."""
    compose = read_compose(folder)
    found = _directories(folder)
    _name(folder, found, compose)
    for directory in found:
        for process in directory.processes:
            add_install(process, directory.path, folder)
            add_environment(process, directory.path, folder)
            if directory.path != folder:
                process.fields["cwd"] = os.path.relpath(directory.path, folder)
    processes = [process for directory in found for process in directory.processes]
    add_ports(processes)
    _suggest_order(processes)
    defaults = common_fields(processes)
    profiles = production_profiles(folder, processes)
    return Scan(processes, defaults, profiles, compose, list(_hints(folder, compose)))


def _directories(folder: Path) -> list[Directory]:
    own = list(_findings(folder))
    below = list(_below(folder, DEPTH, only_projects=bool(own)))
    if below and is_workspace(folder):  # its own scripts run those of its members
        own = [process for process in own if "package.json" not in process.origin]
    return [Directory(folder, own), *below][: _MAX_PROCESSES // 2]


def _below(folder: Path, depth: int, *, only_projects: bool) -> Iterator[Directory]:
    for path in subdirectories(folder):
        if path.name.startswith(".") or path.name in _NO_PROJECTS.split() or (path / "pyvenv.cfg").exists():
            continue
        found = _findings(path) if not only_projects or is_project(path) else []
        if found:
            yield Directory(path, found)
        elif depth > 1:
            yield from _below(path, depth - 1, only_projects=only_projects)


def _findings(folder: Path) -> list[FoundProcess]:
    return list(_procfile(folder)) or [*find_python(folder), *find_node(folder)]


def _procfile(folder: Path) -> Iterator[FoundProcess]:
    for name in _PROCFILES:
        path = folder / name
        if not path.is_file():
            continue
        try:
            imported = import_file(str(path), str(folder), {}, "procfile")
        except UnsupportedFileError:
            continue
        for process, fields in imported.processes.items():
            role = "" if process == "web" else process
            yield FoundProcess(process, fields, f"a line of {name}", role=role, is_named=True)
        return


def _name(folder: Path, found: list[Directory], compose: Compose) -> None:
    """Give each process a unique id: that of its service in the compose file, or the name of its directory."""
    taken: set[str] = set()
    is_single = sum(len(directory.processes) for directory in found) == 1
    for directory in found:
        base = compose.services.get(str(directory.path)) or id_of(directory.path.name)
        for process in directory.processes:
            is_only = len(directory.processes) == 1
            own = base if is_only or process.role in ("", base) else f"{base}-{process.role}"
            if directory.path == folder and str(folder) not in compose.services:
                own = base if is_single and not process.is_named and process.id in _GENERIC else process.id
            parent = directory.path.parent.name
            names = [own, f"{base}-{process.id}", f"{id_of(parent)}-{own}", *(f"{own}-{n}" for n in range(2, 999))]
            process.id = next(id_of(name) for name in names if id_of(name) not in taken)
            taken.add(process.id)
            if directory.path != folder:
                process.origin += f", in {os.path.relpath(directory.path, folder)}"


def _suggest_order(processes: Iterable[FoundProcess]) -> None:
    """Suggest that front ends start after the first server that is none."""
    listed = list(processes)
    server = next((process for process in listed if process.port and not process.is_frontend), None)
    for process in listed:
        if server and process.is_frontend:
            process.suggestions.append(f'dependsOn = ["{server.id}"]  # start it once {server.id} is healthy')


def _hints(folder: Path, compose: Compose) -> Iterator[str]:
    for name in _FOREIGN:
        if (folder / name).is_file():
            yield f"{name} is here: pmtui import {name} makes a config of it"
    if compose.containers:
        names = ", ".join(container.service for container in compose.containers)
        yield f"{compose.name} has containers: {names}; the config can run them, see its end"
    elif compose.name:
        yield f"{compose.name} is here: its containers are docker's; run them beside pmtui, or as a command"
    if (folder / "pocketbase").is_file() or (folder / "pb_data").is_dir():
        yield "PocketBase is here: 'pmtui plugin install -c pmtui.toml' makes './pocketbase serve' run these processes"
    if (folder / "package.json").is_file() and shutil.which("node") is None:
        yield "package.json exists, but node is not installed"
    if (folder / ".env.example").is_file() and not (folder / ".env").exists():
        yield '.env.example is here, but no .env: copy it, fill it in and add envFile = [".env"]'
    if re.search(r"^\.pmtui/?$", read_text(folder / ".gitignore"), re.MULTILINE) is None and (folder / ".git").exists():
        yield "add .pmtui to .gitignore: logs and state are kept there"
