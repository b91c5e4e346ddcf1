"""Find what can be run in a directory by its usual files."""

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError
from pmtui.config.package_managers import package_manager
from pmtui.importers.builder import UnsupportedFileError, id_of
from pmtui.importers.detect import import_file

_PROCFILES = ("Procfile.dev", "Procfile")
_SCRIPTS = ("dev", "start", "serve", "worker")
_PROGRAMS = ("main.py", "app.py", "server.py", "bot.py", "worker.py", "server.js", "index.js", "app.js", "main.ts")
_CONTAINERS = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
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
_MAX_FILE_BYTES = 1 << 20


class FoundProcess(msgspec.Struct):
    """A process that the directory suggests: where it was found, and lines its owner may want."""

    id: str
    fields: dict[str, Any]
    origin: str
    suggestions: list[str] = []


def scan_project(folder: Path) -> tuple[list[FoundProcess], list[str]]:
    """Return what can be run, each id once, and what else its owner should know. Runs nothing."""
    findings: dict[str, FoundProcess] = {}
    for finding in _findings(folder):
        findings.setdefault(finding.id, finding)
    return [_with_env_file(finding, folder) for finding in findings.values()], list(_hints(folder))


def _findings(folder: Path) -> Iterator[FoundProcess]:
    processes = list(_procfile(folder))
    if processes:
        yield from processes
        return
    yield from _package(folder)
    if (folder / "manage.py").is_file():
        yield _django(folder)
        return
    yield from _pyproject(folder)
    for name in _PROGRAMS:
        if (folder / name).is_file() and not (name.endswith((".js", ".ts")) and (folder / "package.json").is_file()):
            yield _program(folder, name)


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
            yield FoundProcess(process, fields, f"a line of {name}")
        return


def _package(folder: Path) -> Iterator[FoundProcess]:
    """Return the first script that runs a server, with the package manager whose lock file exists."""
    scripts = _json(folder / "package.json").get("scripts")
    if not isinstance(scripts, dict):
        return
    manager = package_manager(str(folder))
    known = [name for name in _SCRIPTS if isinstance(scripts.get(name), str)]
    server = next((name for name in known if name != "worker"), None)
    for name in known:
        if name in (server, "worker"):
            label = "worker" if name == "worker" else id_of(str(_json(folder / "package.json").get("name") or "web"))
            fields = {"command": f"{manager.name} run {name}"}
            there = (folder / "node_modules").is_dir()
            lines = [] if there else [f'install = "auto"  # runs {" ".join(manager.install)} before the first start']
            yield FoundProcess(label, fields, f'script "{name}" of package.json', lines)


def _django(folder: Path) -> FoundProcess:
    fields = {"script": "manage.py", "args": ["runserver", "127.0.0.1:8000", "--noreload"]}
    return FoundProcess("django", fields, f"manage.py, {_python(folder)}", ["devMode = true  # restart on changes"])


def _pyproject(folder: Path) -> Iterator[FoundProcess]:
    """Return the programs that the project installs, if they are installed."""
    try:
        project = tomllib.loads(_text(folder / "pyproject.toml")).get("project", {})
    except (ConfigError, ValueError):
        return
    scripts = project.get("scripts") if isinstance(project, dict) else None
    for name in scripts if isinstance(scripts, dict) else {}:
        for venv in (".venv", "venv"):
            if (folder / venv / "bin" / name).exists():
                yield FoundProcess(id_of(name), {"command": f"{venv}/bin/{name}"}, f"script {name} of pyproject.toml")
                break


def _program(folder: Path, name: str) -> FoundProcess:
    stem = name.partition(".")[0]
    by = _python(folder) if name.endswith(".py") else "by node"
    lines = ["devMode = true  # restart on changes"]
    if name.endswith(".py") and not _venv(folder) and _needs_install(folder):
        lines.append('install = "auto"  # makes .venv and installs what the project needs before the first start')
    return FoundProcess(stem, {"script": name}, f"{name}, {by}", lines)


def _venv(folder: Path) -> str | None:
    return next((name for name in (".venv", "venv") if (folder / name / "bin/python").exists()), None)


def _python(folder: Path) -> str:
    venv = _venv(folder)
    return f"by {venv}/bin/python" if venv else "run with python3 (no .venv found)"


def _needs_install(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("requirements.txt", "pyproject.toml", "uv.lock"))


def _with_env_file(finding: FoundProcess, folder: Path) -> FoundProcess:
    if (folder / ".env").is_file() and "envFile" not in finding.fields:
        finding.fields["envFile"] = [".env"]
    return finding


def _hints(folder: Path) -> Iterator[str]:
    for name in _FOREIGN:
        if (folder / name).is_file():
            yield f"{name} is here: pmtui import {name} makes a config of it"
    for name in _CONTAINERS:
        if (folder / name).is_file():
            yield f"{name} is here: its containers are docker's; run them beside pmtui, or as a command"
    if (folder / "pocketbase").is_file() or (folder / "pb_data").is_dir():
        yield "PocketBase is here: 'pmtui plugin install -c pmtui.toml' makes './pocketbase serve' run these processes"
    if (folder / "package.json").is_file() and shutil.which("node") is None:
        yield "package.json exists, but node is not installed"


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(_text(path))
    except (ConfigError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _text(path: Path) -> str:
    return read_bytes(str(path), _MAX_FILE_BYTES).decode("utf-8-sig")
