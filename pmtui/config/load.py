"""Find, read and validate a config: valid entries run, and all errors are reported at once."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pmtui.config.discovery import CONFIG_NAMES, MAX_FILE_BYTES, absolute_path, find_config
from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.config.parsing.decode import read_struct
from pmtui.config.parsing.dependencies import expand_instances, instance_ids, resolve_dependencies
from pmtui.config.parsing.entries import read_entries
from pmtui.config.parsing.parser import Document, SyntaxProblem, parse
from pmtui.config.parsing.problems import Problem, Problems, join
from pmtui.config.parsing.validators import kind_of

__all__ = ["CONFIG_NAMES", "MAX_FILE_BYTES", "Loaded", "Problem", "expand_instances", "find_config", "load_config"]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a config file: its valid processes in file order, one per instance, and all problems.

    `path` is None if there is no file. `entry_paths` maps each process to its place (`processes[0]`, `process.web`);
    `left_out` counts the entries with errors.
    """

    path: Path | None = None
    settings: Settings = Settings()
    processes: tuple[ProcessConfig, ...] = ()
    problems: tuple[Problem, ...] = ()
    entry_paths: Mapping[str, str] = {}
    left_out: int = 0

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if not problem.warning)


def load_config(path: Path) -> Loaded:
    """Read and validate a file. Never raises and never blocks, whatever the file is: see `Loaded.problems`."""
    problems = Problems()
    try:
        path = Path(os.path.abspath(path))
        document = parse(read_bytes(str(path), MAX_FILE_BYTES), str(path), problems)
    except SyntaxProblem as error:
        return _failed(path, error.problem)
    except ConfigError as error:
        return _failed(path, Problem("", str(error)))
    except OSError as error:
        return _failed(path, Problem("", f"the current folder cannot be read: {error.strerror}"))
    return _validated(path, document, problems)


def _failed(path: Path, problem: Problem) -> Loaded:
    return Loaded(path=path, settings=_settings({}, str(path.parent)), problems=(problem,))


def _settings(fields: dict[str, Any], folder: str) -> Settings:
    settings = Settings(**fields)
    return msgspec.structs.replace(settings, data_dir=absolute_path(settings.data_dir, folder))


def _validated(path: Path, document: Document, problems: Problems) -> Loaded:
    folder = str(path.parent)
    raw_settings, raw_entries = _parts(document.values, document.is_toml, problems)
    settings = _settings(read_struct(Settings, raw_settings, "settings", problems), folder)
    raws = [*raw_entries]
    entries = read_entries(raws, folder, problems)
    processes = resolve_dependencies(entries, problems)
    places = {name: entry.place for entry in entries if entry.config for name in instance_ids(entry.config)}
    good = {process.id: places[process.id] for process in processes}
    return Loaded(
        path=path,
        settings=settings,
        processes=tuple(processes),
        problems=document.locate(problems.found),
        entry_paths=good,
        left_out=len(raws) - len({*good.values()}),
    )


def _parts(values: Any, is_toml: bool, problems: Problems) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Return the settings, and the place and value of each process."""
    if isinstance(values, list):
        return {}, _items(values)
    if not isinstance(values, dict):
        problems.error(
            "", f"expected a list of processes or a table with settings and processes, got {kind_of(values)}"
        )
        return {}, iter(())
    word = "process" if is_toml else "processes"
    for key in values:
        if key not in ("settings", word, "$schema"):
            problems.error(join("", key), f"unknown field{problems.suggest(key, ['settings', word])}")
    settings, processes = values.get("settings", {}), values.get(word, {} if is_toml else [])
    if is_toml and isinstance(processes, dict):
        return settings, _tables(processes, problems)
    if not is_toml and isinstance(processes, list):
        return settings, _items(processes)
    expected = "tables [process.ID]" if is_toml else "a list of processes"
    problems.error(word, f"expected {expected}, got {kind_of(processes)}")
    return settings, iter(())


def _items(values: list[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"processes[{index}]", value) for index, value in enumerate(values))


def _tables(values: dict[str, Any], problems: Problems) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        place = join("process", name)
        if isinstance(value, dict) and "id" in value:
            problems.error(f"{place}.id", f"unknown field, the name of the table is the id: [{place}]")
        yield place, {**value, "id": name} if isinstance(value, dict) else value
