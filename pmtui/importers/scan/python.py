"""Recognize Python programs: web applications, Celery, Django, Streamlit and plain scripts."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pmtui.importers.builder import id_of
from pmtui.importers.scan.found import DEV_MODE, FoundProcess, find_health_path, is_project, read_text, subdirectories

_SCRIPTS = ("main.py", "app.py", "server.py", "run.py")
_WORKERS = ("bot.py", "worker.py", "consumer.py", "scheduler.py")
_MODULES = (*_SCRIPTS, "api.py", "asgi.py", "wsgi.py", "web.py", "celery.py", "celery_app.py", "tasks.py", "worker.py")
_PACKAGES = ("app", "src")
_ASGI = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(FastAPI|Starlette|Litestar|Quart)\(", re.MULTILINE)
_FLASK = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?Flask\(", re.MULTILINE)
_FLASK_FACTORY = re.compile(r"^def (create_app|make_app)\(", re.MULTILINE)
_CELERY = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?Celery\(", re.MULTILINE)
_STREAMLIT = re.compile(r"^(?:import streamlit|from streamlit)", re.MULTILINE)
_RUNS_SERVER = re.compile(r"\buvicorn\.run\(|\b(?:app|application|socketio|server)\.run\(")
_PORT_VARIABLE = re.compile(r"""(?:environ(?:\.get)?|getenv)[\[(]\s*["']PORT["'](?:\s*,\s*["']?(\d{2,5}))?""")
_PORT = re.compile(r"\.run\([^)]*\bport\s*=\s*(\d{2,5})\b")
_ROUTE = r"@\w+\.(?:get|route|api_route)"


class Module(NamedTuple):
    """A module that may hold an application: its dotted name, the path from its project's directory, and its text."""

    name: str
    path: str
    text: str

    @property
    def is_at_top(self) -> bool:
        return "/" not in self.path


def find_python(folder: Path) -> Iterator[FoundProcess]:
    """Yield the Python processes of a directory, the main one first."""
    if (folder / "manage.py").is_file():
        yield _django(folder)
        yield from _celery(folder)
        return
    yield from _installed_scripts(folder)
    server = _server(folder)
    if server:
        yield server
    celery = list(_celery(folder))
    yield from celery
    for name in (*(() if server else _SCRIPTS), *(() if celery else _WORKERS)):
        if (folder / name).is_file():
            yield _script(folder, name)


def find_unserved(script: Path) -> FoundProcess | None:
    """Return how to serve the web application that a script defines, if the script does not do so itself."""
    module = Module(script.stem, script.name, read_text(script))
    if _has_main(module.text) or _RUNS_SERVER.search(module.text):
        return None
    return _application(module)


def virtualenv_of(folder: Path) -> str:
    return next((name for name in (".venv", "venv") if (folder / name / "bin/python").exists()), "")


def _server(folder: Path) -> FoundProcess | None:
    """Return the web application of the directory: a script that runs a server itself, or one for uvicorn or Flask."""
    modules = list(_modules(folder))
    for module in modules:
        if module.is_at_top and _RUNS_SERVER.search(module.text) and _has_main(module.text):
            return _self_served(folder, module)
    return next((found for module in modules if (found := _application(module))), None)


def _application(module: Module) -> FoundProcess | None:
    if found := _ASGI.search(module.text):
        return _asgi(module, found[1], found[2])
    if "Flask(" in module.text and (found := _FLASK.search(module.text) or _FLASK_FACTORY.search(module.text)):
        return _flask(module, found[1])
    if module.is_at_top and _STREAMLIT.search(module.text):
        return _streamlit(module)
    return None


def _modules(folder: Path) -> Iterator[Module]:
    for name in _MODULES:
        if text := read_text(folder / name):
            yield Module(name.removesuffix(".py"), name, text)
    for package in subdirectories(folder):
        if is_project(package) or package.name.startswith("."):
            continue
        if package.name in _PACKAGES or (package / "__init__.py").is_file():
            for name in ("__init__.py", *_MODULES):
                if text := read_text(package / name):
                    dotted = f"{package.name}.{name.removesuffix('.py')}".removesuffix(".__init__")
                    yield Module(dotted, f"{package.name}/{name}", text)


def _has_main(text: str) -> bool:
    return re.search(r"""^if __name__ == ["']__main__["']""", text, re.MULTILINE) is not None


def _self_served(folder: Path, module: Module) -> FoundProcess:
    name, text = module.name, module.text
    framework = found[2] if (found := _ASGI.search(text)) else "Flask" if _FLASK.search(text) else "server"
    process = FoundProcess(name, {"script": f"{name}.py"}, f"{name}.py, {by(folder)}", [DEV_MODE])
    process.health_path = find_health_path(text, _ROUTE)
    if variable := _PORT_VARIABLE.search(text):
        default = int(variable[1] or (5000 if framework == "Flask" else 8000))
        return process.with_port(default, True, f"{name}.py listens on PORT")
    if number := _PORT.search(text):
        return process.with_port(int(number[1]), False, f"written in {name}.py")
    process.suggestions.append(f"port = {5000 if framework == 'Flask' else 8000}  # if it listens on the usual port")
    return process


def _asgi(module: Module, variable: str, framework: str) -> FoundProcess:
    options = "--app-dir src " if module.name.startswith("src.") else ""
    target = f"{module.name.removeprefix('src.')}:{variable}"
    process = FoundProcess(
        "api",
        {"command": f"python3 -m uvicorn {options}{target} --port ${{port}}"},
        f"{module.path} has a {framework} application, run by uvicorn",
        [DEV_MODE],
        health_path=find_health_path(module.text, _ROUTE),
    )
    return process.with_port(8000, True, "the default of uvicorn")


def _flask(module: Module, name: str) -> FoundProcess:
    is_usual = name in ("app", "application", "create_app", "make_app")
    target = module.name if is_usual else f"{module.name}:{name}"
    process = FoundProcess(
        "web",
        {"command": f"python3 -m flask --app {target} run --port ${{port}}"},
        f"{module.path} has a Flask application, run by Flask's own server",
        [DEV_MODE],
        health_path=find_health_path(module.text, _ROUTE),
    )
    return process.with_port(5000, True, "the default of Flask")


def _streamlit(module: Module) -> FoundProcess:
    command = f"python3 -m streamlit run {module.path} --server.port ${{port}} --server.headless true"
    origin = f"{module.path} uses Streamlit"
    process = FoundProcess(module.name, {"command": command}, origin, health_path="/_stcore/health")
    return process.with_port(8501, True, "the default of Streamlit")


def _django(folder: Path) -> FoundProcess:
    fields = {"script": "manage.py", "args": ["runserver", "127.0.0.1:${port}", "--noreload"]}
    process = FoundProcess("django", fields, f"manage.py of Django, {by(folder)}", [DEV_MODE])
    return process.with_port(8000, True, "the default of Django")


def _celery(folder: Path) -> Iterator[FoundProcess]:
    for module in _modules(folder):
        found = _CELERY.search(module.text)
        if found is None:
            continue
        target = module.name.removesuffix(".celery")
        target = target if found[1] in ("app", "celery") else f"{target}.{found[1]}"
        origin = f"{module.path} has a Celery application"
        yield FoundProcess(
            "worker",
            {"command": f"python3 -m celery -A {target} worker --loglevel INFO", "stopTimeout": "30s"},
            origin,
            [DEV_MODE],
            ["stopTimeout 30s: Celery ends its running tasks first"],
            role="worker",
        )
        if "beat_schedule" in module.text:
            command = f"python3 -m celery -A {target} beat --loglevel INFO"
            yield FoundProcess("beat", {"command": command}, f"{origin} with a schedule", role="beat")
        return


def _installed_scripts(folder: Path) -> Iterator[FoundProcess]:
    """Return the programs that the project installs, if they are installed."""
    try:
        project = tomllib.loads(read_text(folder / "pyproject.toml")).get("project", {})
    except ValueError:
        return
    scripts = project.get("scripts") if isinstance(project, dict) else None
    for name in scripts if isinstance(scripts, dict) else {}:
        for venv in (".venv", "venv"):
            if (folder / venv / "bin" / name).exists():
                origin = f"script {name} of pyproject.toml"
                yield FoundProcess(id_of(name), {"command": f"{venv}/bin/{name}"}, origin, role=id_of(name))
                break


def _script(folder: Path, name: str) -> FoundProcess:
    stem = name.partition(".")[0]
    role = "" if name in _SCRIPTS else stem
    process = FoundProcess(stem, {"script": name}, f"{name}, {by(folder)}", [DEV_MODE], role=role)
    variable = _PORT_VARIABLE.search(read_text(folder / name))
    if variable and variable[1]:
        process.with_port(int(variable[1]), True, f"{name} listens on PORT")
    return process


def by(folder: Path) -> str:
    """Say which Python runs a program of the directory."""
    venv = virtualenv_of(folder)
    return f"by {venv}/bin/python" if venv else "by python3, without a .venv"
