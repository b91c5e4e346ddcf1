"""Recognize Node programs: the scripts of package.json, with the servers that they run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pmtui.config.package_managers import package_manager
from pmtui.importers.builder import id_of
from pmtui.importers.scan.found import DEV_MODE, FoundProcess, find_health_path, read_json, read_text

_SERVERS = ("dev", "start", "serve")
_WORKER = "worker"
_PROGRAMS = ("server.js", "index.js", "app.js", "server.mjs", "index.mjs", "main.ts", "server.ts", "index.ts")
_FRAMEWORKS = {
    "next": ("Next.js", 3000),
    "nuxt": ("Nuxt", 3000),
    "astro": ("Astro", 4321),
    "@sveltejs/kit": ("SvelteKit", 5173),
    "vite": ("Vite", 5173),
    "react-scripts": ("Create React App", 3000),
    "@nestjs/core": ("NestJS", 3000),
    "express": ("Express", 3000),
    "fastify": ("Fastify", 3000),
    "koa": ("Koa", 3000),
    "hono": ("Hono", 3000),
}
"""Packages that serve, with name and default port; the first one found counts."""
_TAKE_OPTIONS = {"next": "--port ${port}", "vite": "--port ${port} --strictPort --host 127.0.0.1"}
_TAKE_OPTIONS["astro"] = "--port ${port} --host 127.0.0.1"
"""Options of development servers; Vite and Astro listen on ::1 alone without --host, and ignore PORT."""
_FRONTENDS = ("next", "nuxt", "astro", "@sveltejs/kit", "vite", "react-scripts")
_READ_PORT = ("nuxt", "react-scripts")
_OPTION = re.compile(r"(?:^|\s)(?:-p|--port)[ =](\d{2,5})\b")
_VARIABLE = re.compile(r"process\.env\.PORT(?:\s*(?:\|\||\?\?)\s*[\"']?(\d{2,5}))?")
_LISTEN = re.compile(r"\blisten\(\s*(?:\{\s*port:\s*)?(\d{2,5})\b")
_PORT = re.compile(r"\bport:\s*(\d{2,5})\b")
_CONFIGS = ("vite.config.ts", "vite.config.js", "vite.config.mts", "vite.config.mjs", "astro.config.mjs")
_ROUTE = r"\b\w+\.(?:get|all|use)"


def find_node(folder: Path) -> Iterator[FoundProcess]:
    """Yield the Node processes of a directory, the server first."""
    path = folder / "package.json"
    if not path.is_file():
        for name in _PROGRAMS:
            if (folder / name).is_file():
                yield _program(folder, name)
                return
        return
    package = read_json(path)
    scripts = {name: text for name, text in _table(package, "scripts").items() if isinstance(text, str)}
    server = next((name for name in _SERVERS if name in scripts), None)
    if server:
        yield _server(folder, package, scripts, server)
    if _WORKER in scripts:
        command = f"{package_manager(str(folder)).name} run {_WORKER}"
        yield FoundProcess(_WORKER, {"command": command}, 'script "worker" of package.json', role=_WORKER)


def is_workspace(folder: Path) -> bool:
    return bool(read_json(folder / "package.json").get("workspaces")) or (folder / "pnpm-workspace.yaml").is_file()


def _server(folder: Path, package: dict[str, Any], scripts: dict[str, str], name: str) -> FoundProcess:
    runner = f"{package_manager(str(folder)).name} run"
    packages = {*_table(package, "dependencies"), *_table(package, "devDependencies")}
    framework = next((known for known in _FRAMEWORKS if known in packages or known == _program_of(scripts[name])), "")
    title = f", {_FRAMEWORKS[framework][0]}" if framework else ""
    process = FoundProcess(
        id_of(str(package.get("name") or "web")),
        {"command": f"{runner} {name}"},
        f'script "{name}" of package.json{title}',
        is_named=bool(package.get("name")),
    )
    process.is_frontend = framework in _FRONTENDS
    if name == "dev" and "start" in scripts:
        process.production = f"{runner} start{_options(runner, scripts['start'])}"
        process.build = f"'{runner} build'" if "build" in scripts else ""
    _find_port(folder, process, framework, scripts[name])
    return process


def _options(runner: str, script: str) -> str:
    """Return the options that let the server of a script listen on the port of the process; "" for other scripts."""
    options = _TAKE_OPTIONS.get(_program_of(script))
    if not options or _OPTION.search(script):
        return ""
    return f"{' --' if runner.startswith('npm ') else ''} {options}"


def _program_of(script: str) -> str:
    """Return the program that a script runs last."""
    return next(iter(script.split("&&")[-1].split()), "")


def _find_port(folder: Path, process: FoundProcess, framework: str, script: str) -> None:
    """Add the port that the script listens on, as far as the files say so."""
    source = _source(folder, script)
    process.health_path = find_health_path(source, _ROUTE)
    title, default = _FRAMEWORKS.get(framework, ("", 0))
    if number := _OPTION.search(script):
        process.with_port(int(number[1]), False, "written in the script")
    elif options := _options(process.fields["command"], script):
        configured = next((found for name in _CONFIGS if (found := _PORT.search(read_text(folder / name)))), None)
        process.fields["command"] += options
        reason = "written in its config" if configured else f"the default of {title or 'its server'}"
        process.with_port(int(configured[1]) if configured else default or 3000, True, reason)
    elif variable := _VARIABLE.search(source):
        process.with_port(int(variable[1] or default or 3000), True, "the program listens on PORT")
    elif number := _LISTEN.search(source):
        process.with_port(int(number[1]), False, "written in the program")
    elif framework in _READ_PORT:
        process.with_port(default, True, f"the default of {title}, which listens on PORT")


def _source(folder: Path, script: str) -> str:
    """Return the text of the program that a script runs."""
    words = [word for word in script.split() if re.fullmatch(r"(?:\./)?[\w./-]+\.[cm]?[jt]sx?", word)]
    names = [*words, *_PROGRAMS, "src/index.js", "src/index.ts", "src/server.js", "src/server.ts", "src/main.ts"]
    return next((text for name in names if (text := read_text(folder / name))), "")


def _program(folder: Path, name: str) -> FoundProcess:
    process = FoundProcess(name.partition(".")[0], {"script": name}, f"{name}, by node", [DEV_MODE])
    source = read_text(folder / name)
    process.health_path = find_health_path(source, _ROUTE)
    if variable := _VARIABLE.search(source):
        process.with_port(int(variable[1] or 3000), True, "the program listens on PORT")
    elif number := _LISTEN.search(source):
        process.with_port(int(number[1]), False, "written in the program")
    return process


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    table = values.get(name)
    return table if isinstance(table, dict) else {}
