"""Find the Python virtual environment of a process, and put it first on its PATH."""

import os
import sys
from collections.abc import Iterator, Mapping

from pmtui.config.model import ProcessConfig

_NAMES = (".venv", "venv")


def find_virtualenv(config: ProcessConfig) -> str | None:
    """Return the virtual environment that everything started for the process uses.

    The one that `interpreter` names, if any; otherwise `.venv`, then `venv`, of `cwd`, of the script's directory, and
    of the nearest parent of `cwd` up to the config's directory.
    """
    if config.interpreter != "auto":
        return _named(config)
    for directory in _directories(config):
        for name in _NAMES:
            found = os.path.join(directory, name)
            if os.path.lexists(os.path.join(found, "bin/python")):
                return found
    return None


def activate(environment: dict[str, str], virtualenv: str | None) -> None:
    """Put the virtual environment's programs first on PATH, and take out pmtui's own, which is never a process's."""
    own = _own_virtualenv(environment)
    if own is None and virtualenv is None:
        return
    directories = environment.get("PATH", os.defpath).split(os.pathsep)
    directories = [directory for directory in directories if own is None or directory != os.path.join(own, "bin")]
    if own is not None and environment.get("VIRTUAL_ENV") == own:
        del environment["VIRTUAL_ENV"]
    if virtualenv is not None:
        directories.insert(0, os.path.join(virtualenv, "bin"))
        environment["VIRTUAL_ENV"] = virtualenv
    environment["PATH"] = os.pathsep.join(directories)


def describe_virtualenv(virtualenv: str, config: ProcessConfig) -> str:
    """Say why this one was chosen."""
    name, directory = os.path.basename(virtualenv), os.path.dirname(virtualenv)
    if directory == config.cwd:
        return f"{name} in cwd"
    is_above = config.cwd.startswith(f"{directory}/")
    return f"{name} of {'the parent directory' if is_above else 'the script, in'} {directory}"


def searched_directories(config: ProcessConfig) -> list[str]:
    """Return the places where `find_virtualenv` looks for a Python, in order."""
    return [os.path.join(place, name, "bin/python") for place in _directories(config) for name in _NAMES]


def _named(config: ProcessConfig) -> str | None:
    if "/" not in config.interpreter:
        return None
    interpreter = os.path.normpath(os.path.join(config.cwd, os.path.expanduser(config.interpreter)))
    virtualenv = os.path.dirname(os.path.dirname(interpreter))
    return virtualenv if os.path.isfile(os.path.join(virtualenv, "pyvenv.cfg")) else None


def _directories(config: ProcessConfig) -> Iterator[str]:
    cwd = config.cwd or os.getcwd()
    yield cwd
    if config.script is not None:
        script = os.path.expanduser(config.script)
        for base in (cwd, config.folder):
            directory = os.path.dirname(os.path.normpath(os.path.join(base, script)))
            if directory != cwd and os.path.exists(os.path.join(base, script)):
                yield directory
                break
    root = config.root or config.folder
    while root and cwd.startswith(f"{root.rstrip('/')}/"):
        cwd = os.path.dirname(cwd)
        yield cwd


def _own_virtualenv(environment: Mapping[str, str]) -> str | None:
    """Return the virtual environment that pmtui runs in, if the environment leads to it."""
    if sys.prefix == sys.base_prefix:
        return None
    bin_directory = os.path.join(sys.prefix, "bin")
    leads_to_it = bin_directory in environment.get("PATH", "").split(os.pathsep)
    return sys.prefix if leads_to_it or environment.get("VIRTUAL_ENV") == sys.prefix else None
