"""Find, read and validate a config: valid entries run, and all errors are reported at once."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pmtui.config.discovery import CONFIG_NAMES, MAX_FILE_BYTES, absolute_path, find_config
from pmtui.config.files import read_bytes
from pmtui.config.layers import merge
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.config.parsing.decode import read_struct
from pmtui.config.parsing.dependencies import expand_instances, instance_ids, resolve_dependencies
from pmtui.config.parsing.entries import read_entries
from pmtui.config.parsing.parser import Document, SyntaxProblem, parse
from pmtui.config.parsing.policies import set_default_restarts, warn_of_policies
from pmtui.config.parsing.ports import check_ports
from pmtui.config.parsing.problems import Problem, Problems
from pmtui.config.sources import Sources, locate_all, read_sources

__all__ = ["CONFIG_NAMES", "MAX_FILE_BYTES", "Loaded", "Problem", "expand_instances", "find_config", "load_config"]

Reader = Callable[[Path, Problems], Document]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a config file: its valid processes in file order, one per instance, and all problems.

    `path` is None if there is no file. `entry_paths` maps each process to its place (`processes[0]`, `process.web`);
    `left_out` counts the
    entries with errors, `files` has the config and all that it includes.
    """

    path: Path | None = None
    settings: Settings = Settings()
    processes: tuple[ProcessConfig, ...] = ()
    problems: tuple[Problem, ...] = ()
    entry_paths: Mapping[str, str] = {}
    left_out: int = 0
    files: Sequence[str] = ()
    unknown_profiles: Sequence[str] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if not problem.warning)


def load_config(path: Path, profiles: Sequence[str] = (), read: Reader | None = None) -> Loaded:
    """Read and validate a file, and what it includes. Never raises and never blocks: see `Loaded.problems`.

    `read` makes the document of a file in another format.
    """
    problems = Problems()
    try:
        path = Path(os.path.abspath(path))
        document = (read or read_document)(path, problems)
    except SyntaxProblem as error:
        return _failed(path, error.problem)
    except ConfigError as error:
        return _failed(path, Problem("", str(error)))
    except OSError as error:
        return _failed(path, Problem("", f"the current directory cannot be read: {error.strerror}"))
    sources = read_sources(document, profiles, problems)
    return _validated(path, sources, problems)


def read_document(path: Path, problems: Problems) -> Document:
    """Read and parse a file. Raises SyntaxProblem or ConfigError."""
    return parse(read_bytes(str(path), MAX_FILE_BYTES), str(path), problems)


def _failed(path: Path, problem: Problem) -> Loaded:
    problem = msgspec.structs.replace(problem, file=path.name)
    return Loaded(path=path, settings=_settings({}, str(path.parent)), problems=(problem,))


def _settings(fields: dict[str, Any], directory: str) -> Settings:
    settings = Settings(**fields)
    return msgspec.structs.replace(settings, data_dir=absolute_path(settings.data_dir, directory))


def _validated(path: Path, sources: Sources, problems: Problems) -> Loaded:
    directory = str(path.parent)
    settings = _settings(_read_settings(sources, problems), directory)
    entries = check_ports(read_entries(sources.processes, directory, problems), problems)
    processes = set_default_restarts(resolve_dependencies(entries, problems))
    places = {name: entry.place for entry in entries if entry.config for name in instance_ids(entry.config)}
    good = {process.id: places[process.id] for process in processes}
    warn_of_policies(processes, good, problems)
    return Loaded(
        path=path,
        settings=settings,
        processes=tuple(processes),
        problems=locate_all(problems.found, sources),
        entry_paths={name: place.replace("\0", ": ") for name, place in good.items()},
        left_out=len(sources.processes) - len({*good.values()}),
        files=tuple(document.path for document in sources.documents),
        unknown_profiles=tuple(sources.unknown_profiles),
    )


def _read_settings(sources: Sources, problems: Problems) -> dict[str, Any]:
    values = sources.main.values
    raw = values.get("settings", {}) if isinstance(values, dict) else {}
    if not isinstance(raw, dict):
        return {}  # reported with the layers
    return read_struct(Settings, merge(sources.settings, ""), "settings", problems)
