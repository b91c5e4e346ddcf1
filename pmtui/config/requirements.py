"""Find out what a project depends on, whether it is installed, and how to install it."""

import hashlib
import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from pmtui.config.interpreter import which
from pmtui.config.model import ProcessConfig
from pmtui.config.package_managers import LOCK_FILES, ancestors, package_manager
from pmtui.config.virtualenv import find_virtualenv

PYTHON_EXTENSIONS = {".py"}
NODE_EXTENSIONS = {".js", ".mjs", ".cjs", ".ts", ".mts"}
RUNNER_EXTENSIONS = {
    "python": PYTHON_EXTENSIONS,
    "python3": PYTHON_EXTENSIONS,
    "node": NODE_EXTENSIONS,
    "npm": NODE_EXTENSIONS,
    "npx": NODE_EXTENSIONS,
    "bun": NODE_EXTENSIONS,
    "yarn": NODE_EXTENSIONS,
    "pnpm": NODE_EXTENSIONS,
    "tsx": NODE_EXTENSIONS,
}
MANIFEST_FILES = (
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
    "package.json",
    *LOCK_FILES,
)
"""Files beside the process whose contents decide about what is installed."""


_POETRY = ["env", "POETRY_VIRTUALENVS_IN_PROJECT=true", "poetry", "install", "--no-interaction"]
"""Poetry would otherwise keep the virtual environment in a cache directory, where nothing finds it."""


class Requirement(msgspec.Struct, frozen=True):
    """Dependencies of one kind, installed by `steps` in the process's directory; the last step suffices to update
    them.
    """

    manifest: str
    target: str
    is_missing: bool
    steps: list[list[str]]

    @property
    def hint(self) -> str:
        """Say what to run by hand."""
        commands = " && ".join(shlex.join(step) for step in self.steps)
        return f'{self.target} is missing beside {self.manifest}: set "install": "auto" or run {commands}'


def find_requirements(config: ProcessConfig, environment: Mapping[str, str]) -> list[Requirement]:
    """Return what the files beside the process require, as far as it can concern this process."""
    kinds: dict[str, Callable[[str, Mapping[str, str]], Requirement | None]] = {
        ".py": python_requirement,
        ".js": node_requirement,
    }
    endings = script_extensions(config)
    found = [need(config.cwd, environment) for ending, need in kinds.items() if not endings or ending in endings]
    return [need for need in found if need]


def requirement_hint(config: ProcessConfig, environment: Mapping[str, str]) -> str:
    """Return what is probably missing if nothing installs it and the process is known to need it."""
    if config.install is not None or config.interpreter != "auto" or not script_extensions(config):
        return ""
    has_virtualenv = find_virtualenv(config) is not None
    missing = [
        need
        for need in find_requirements(config, environment)
        if need.is_missing and not (has_virtualenv and need.target in (".venv", "venv"))
    ]
    return missing[0].hint if missing else ""


def script_extensions(config: ProcessConfig) -> set[str]:
    """Return the possible extensions of the script that runs; empty if unknown."""
    if config.script is None:
        words = (config.command or "").split()
        return RUNNER_EXTENSIONS.get(os.path.basename(words[0]) if words else "", set())
    ending = os.path.splitext(config.script)[1]
    return next((kind for kind in (PYTHON_EXTENSIONS, NODE_EXTENSIONS) if ending in kind), set())


def python_requirement(cwd: str, environment: Mapping[str, str]) -> Requirement | None:
    """Return a virtual environment with what requirements.txt or pyproject.toml names, created by uv if available."""
    has_list, is_project = os.path.isfile(os.path.join(cwd, "requirements.txt")), is_python_project(cwd)
    if not has_list and not is_project:
        return None
    home = next((name for name in (".venv", "venv") if os.path.lexists(os.path.join(cwd, name, "bin/python"))), None)
    python = f"{home or '.venv'}/bin/python"
    has_uv = which("uv", environment, cwd) is not None
    if os.path.isfile(os.path.join(cwd, "poetry.lock")):
        return Requirement("poetry.lock", ".venv", home is None, [_POETRY])
    described_by = "requirements.txt" if has_list else "pyproject.toml"
    if has_uv and is_project and (not has_list or os.path.isfile(os.path.join(cwd, "uv.lock"))):
        return Requirement("pyproject.toml", ".venv", home is None, [["uv", "sync"]])
    what = ["-r", "requirements.txt"] if has_list else ["-e", "."]
    if has_uv:
        make, fill = (
            ["uv", "venv", "--allow-existing", home or ".venv"],
            ["uv", "pip", "install", "--python", python, *what],
        )
    else:
        make = ["python3", "-m", "venv", home or ".venv"]
        fill = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *what]
    return Requirement(described_by, home or ".venv", home is None, [make, fill])


def is_python_project(cwd: str) -> bool:
    """Return whether there is a pyproject.toml that describes more than tools."""
    import tomllib

    try:
        with open(os.path.join(cwd, "pyproject.toml"), "rb") as file:
            return "project" in tomllib.load(file)
    except (OSError, ValueError):
        return False


def node_requirement(cwd: str, environment: Mapping[str, str]) -> Requirement | None:
    """Return node_modules, here or in a parent, for a package.json that names any dependency."""
    if not has_packages(os.path.join(cwd, "package.json")):
        return None
    is_missing = not any(os.path.isdir(os.path.join(directory, "node_modules")) for directory in ancestors(cwd))
    return Requirement("package.json", "node_modules", is_missing, [package_manager(cwd).install])


def has_packages(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            described = msgspec.json.decode(file.read())
    except (OSError, msgspec.DecodeError):
        return False
    kinds = ("dependencies", "devDependencies", "optionalDependencies")
    return isinstance(described, dict) and any(described.get(kind) for kind in kinds)


def fingerprint(cwd: str, steps: Sequence[Sequence[str]], names: Iterable[str] = MANIFEST_FILES) -> str:
    """Return the same value as long as these steps would install the same from the existing manifests."""
    found = hashlib.sha256(repr(steps).encode("utf-8", "surrogatepass"))
    for name in names:
        with suppress(OSError), open(os.path.join(cwd, name), "rb") as file:
            found.update(b"\0%s\0" % name.encode() + file.read())
    return found.hexdigest()


def existing_manifests(cwd: str) -> list[str]:
    return [name for name in MANIFEST_FILES if os.path.isfile(os.path.join(cwd, name))]
