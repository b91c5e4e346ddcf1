"""Read all files of a config: what it includes, its profiles, and the local file that lies over it."""

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pmtui.config.discovery import LOCAL_NAME, MAX_FILE_BYTES, absolute_path
from pmtui.config.files import read_bytes
from pmtui.config.layers import Layer, ProcessLayers
from pmtui.config.model import ConfigError
from pmtui.config.parsing.parser import Document, SyntaxProblem, parse
from pmtui.config.parsing.problems import Problem, Problems, join
from pmtui.config.parsing.validators import kind_of

_MAX_FILES = 1000
_SECTIONS = ("settings", "process", "processes", "defaults", "include", "profile")
_INCLUDED_SECTIONS = ("process", "processes", "defaults", "include")


class Sources(msgspec.Struct, eq=False):
    """All that was read: documents, the layers of the settings and of each process, and the profiles there are."""

    main: Document
    documents: list[Document]
    settings: list[Layer]
    processes: list[ProcessLayers]
    unknown_profiles: list[str]


def read_sources(main: Document, profiles: Sequence[str], problems: Problems) -> Sources:
    """Read what the main document includes and what lies over it. Problems are reported by path, see `locate_all`."""
    return _Reader(main, profiles, problems).read()


def locate_all(found: Iterable[Problem], sources: Sources) -> tuple[Problem, ...]:
    """Return the problems in file order, each with its file, line and column."""
    owners = [*sources.processes, ProcessLayers("", "settings", sources.main, sources.settings)]
    by_place = {owner.place: owner for owner in owners}
    prefixes = {_prefix(document, sources.main): document for document in sources.documents}
    order = {id(document): number for number, document in enumerate(sources.documents)}
    located = [_locate(problem, by_place, prefixes, sources.main) for problem in found]
    located.sort(key=lambda pair: (order.get(id(pair[0]), 0), pair[1].line or 0, pair[1].column or 0))
    return tuple(dict.fromkeys(problem for _, problem in located))


def _locate(
    problem: Problem, by_place: Mapping[str, ProcessLayers], prefixes: Mapping[str, Document], main: Document
) -> tuple[Document, Problem]:
    document, path, shown = main, problem.path, problem.path
    owner, field = _owner(problem.path, by_place)
    if owner is not None:
        layer = owner.locate(field)
        document, path = layer.document, layer.place + field
        shown = path
    elif "\0" in problem.path:
        prefix, _, path = problem.path.rpartition("\0")
        document, shown = prefixes.get(f"{prefix}\0", main), path
    at = document.position(path) if path else None
    line, column = at or (problem.line, problem.column)
    name = os.path.relpath(document.path, main.directory)
    return document, Problem(shown, problem.message, line, column, problem.warning, name)


def _owner(path: str, by_place: Mapping[str, ProcessLayers]) -> tuple[ProcessLayers | None, str]:
    place = path
    while place:
        if place in by_place:
            return by_place[place], path[len(place) :]
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return None, ""


def _prefix(document: Document, main: Document) -> str:
    return "" if document is main else f"{os.path.relpath(document.path, main.directory)}\0"


class _Reader:
    def __init__(self, main: Document, profiles: Sequence[str], problems: Problems) -> None:
        self._main, self._profiles, self._problems = main, profiles, problems
        self._documents = [main]
        self._processes: list[ProcessLayers] = []
        self._seen = {os.path.realpath(main.path)}

    def read(self) -> Sources:
        local = self._read_local()
        defaults = [*self._table(self._main, "defaults"), *(self._table(local, "defaults") if local else [])]
        self._read_document(self._main, defaults, (self._main.path,))
        unknown = self._lay_profiles(local)
        if local is not None:
            self._lay(local, "process", local.values.get("process", {}))
        self._extend()
        documents = [document for document in (self._main, local) if document]
        settings = [layer for document in documents for layer in self._table(document, "settings")]
        return Sources(self._main, self._documents, settings, self._processes, unknown)

    def _read_local(self) -> Document | None:
        path = os.path.join(self._main.directory, LOCAL_NAME)
        if not os.path.lexists(path) or path == self._main.path:
            return None
        self._seen.add(os.path.realpath(path))
        local = self._parse(path)
        if local is None or not isinstance(local.values, dict):
            return None
        self._check_sections(local, ("settings", "process", "defaults", "profile"))
        if not isinstance(local.values.get("process", {}), dict):
            self._problems.error(_prefix(local, self._main) + "process", "expected tables [process.ID]")
            return None
        return local

    def _parse(self, path: str, place: str = "") -> Document | None:
        own = Problems()
        prefix = f"{os.path.relpath(path, self._main.directory)}\0"
        try:
            document = parse(read_bytes(path, MAX_FILE_BYTES), path, own)
        except SyntaxProblem as error:
            own.add(error.problem)
            document = Document(path, "foreign")
        except ConfigError as error:
            self._problems.error(place, str(error))
            return None
        for problem in own.found:
            self._problems.add(msgspec.structs.replace(problem, path=prefix + problem.path))
        self._documents.append(document)
        return document if document.notation != "foreign" else None

    def _check_sections(self, document: Document, known: Sequence[str]) -> None:
        prefix = _prefix(document, self._main)
        words = [word for word in known if word != ("processes" if document.notation == "toml" else "")]
        for key in document.values:
            if key in words or key == "$schema":
                continue
            if key in _SECTIONS and document is not self._main:
                where = "the config itself" if key in ("settings", "profile") else "another file"
                self._problems.error(prefix + key, f"is not allowed in this file: it belongs into {where}")
            else:
                self._problems.error(join(prefix, key), f"unknown field{self._advice(document, key, words)}")

    def _advice(self, document: Document, key: str, words: Sequence[str]) -> str:
        """Return what an unknown section may be meant for: in TOML, often a process."""
        value = document.values[key]
        if document.notation == "toml":
            if key == "processes" and isinstance(value, dict) and value:
                return f", did you mean [{join('process', next(iter(value)))}]?"
            if isinstance(value, dict) and {"script", "command", "cmd", "extends"} & {*value}:
                return f", did you mean [{join('process', key)}]?"
        return self._problems.suggest_field("file", key, words)

    def _table(self, document: Document, section: str) -> list[Layer]:
        values = document.values.get(section) if isinstance(document.values, dict) else None
        if values is None:
            return []
        place = _prefix(document, self._main) + section
        if not isinstance(values, dict):
            self._problems.error(place, f"expected a table of names and values, got {kind_of(values)}")
            return []
        if section == "defaults" and "id" in values:
            self._problems.error(f"{place}.id", "defaults hold for all processes and have no id")
        return [Layer(document, section, {key: value for key, value in values.items() if key != "id"})]

    def _read_document(self, document: Document, defaults: list[Layer], chain: tuple[str, ...]) -> None:
        values, prefix = document.values, _prefix(document, self._main)
        if isinstance(values, list):
            self._add_list(document, "processes", values, defaults)
            return
        if not isinstance(values, dict):
            rule = "expected a list of processes or a table with settings and processes"
            self._problems.error(prefix, f"{rule}, got {kind_of(values)}")
            return
        self._check_sections(document, _SECTIONS if document is self._main else _INCLUDED_SECTIONS)
        for word in ("process", "processes"):
            if word in values and not (word == "processes" and document.notation == "toml"):
                self._add_processes(document, word, values[word], defaults)
        self._include(document, values.get("include", []), defaults, chain)

    def _add_processes(self, document: Document, word: str, processes: Any, defaults: list[Layer]) -> None:
        prefix = _prefix(document, self._main)
        if word == "processes" and isinstance(processes, list):
            self._add_list(document, word, processes, defaults)
        elif word == "process" and isinstance(processes, dict):
            for name, value in processes.items():
                place = join("process", name)
                if isinstance(value, dict) and "id" in value:
                    problem = f"unknown field, the name of the table is the id: [{place}]"
                    self._problems.error(f"{prefix}{place}.id", problem)
                self._add(document, place, {**value, "id": name} if isinstance(value, dict) else value, defaults)
        else:
            expected = "a list of processes" if word == "processes" else "tables [process.ID]"
            hint = "; [[process]] makes a list" if word == "process" and document.notation == "toml" else ""
            hint = hint if isinstance(processes, list) else ""
            self._problems.error(prefix + word, f"expected {expected}, got {kind_of(processes)}{hint}")

    def _add_list(self, document: Document, word: str, processes: list[Any], defaults: list[Layer]) -> None:
        for index, value in enumerate(processes):
            self._add(document, f"{word}[{index}]", value, defaults)

    def _add(self, document: Document, place: str, value: Any, defaults: list[Layer]) -> None:
        unique = _prefix(document, self._main) + place
        if not isinstance(value, dict):
            self._processes.append(ProcessLayers("", unique, document, [], value))
            return
        process_id = value.get("id")
        layers = [*defaults, Layer(document, place, value)]
        self._processes.append(
            ProcessLayers(process_id if isinstance(process_id, str) else "", unique, document, layers)
        )

    def _include(self, document: Document, patterns: Any, defaults: list[Layer], chain: tuple[str, ...]) -> None:
        place = _prefix(document, self._main) + "include"
        listed = [patterns] if isinstance(patterns, str) else patterns
        if not isinstance(listed, list) or not all(isinstance(pattern, str) and pattern for pattern in listed):
            self._problems.error(place, "expected a list of files, such as services/*.toml")
            return
        for index, pattern in enumerate(listed):
            here = f"{place}[{index}]" if isinstance(patterns, list) else place
            for path in self._paths(document, pattern, here):
                self._include_file(path, here, defaults, chain)

    def _paths(self, document: Document, pattern: str, place: str) -> Iterator[str]:
        path = absolute_path(pattern, document.directory)
        if not glob.has_magic(pattern):
            yield path
            return
        for found in sorted(glob.glob(path, recursive=True)):
            if found != document.path and os.path.basename(found) != LOCAL_NAME:
                yield found

    def _include_file(self, path: str, place: str, defaults: list[Layer], chain: tuple[str, ...]) -> None:
        if path in chain:
            names = [os.path.relpath(step, self._main.directory) for step in (*chain[chain.index(path) :], path)]
            self._problems.error(place, f"include cycle: {' → '.join(names)}")
            return
        real = os.path.realpath(path)
        if real in self._seen:
            return
        if len(self._seen) >= _MAX_FILES:
            self._problems.error(place, f"more than {_MAX_FILES} files are included")
            return
        self._seen.add(real)
        document = self._parse(path, place)
        if document is not None:
            own = self._table(document, "defaults")
            self._read_document(document, [*defaults, *own], (*chain, path))

    # layers over the entries

    def _lay_profiles(self, local: Document | None) -> list[str]:
        documents = [document for document in (self._main, local) if document and isinstance(document.values, dict)]
        profiles: dict[str, list[tuple[Document, Any]]] = {}
        for document in documents:
            for name, profile in self._profiles_of(document).items():
                profiles.setdefault(name, []).append((document, profile))
        unknown = [name for name in self._profiles if name not in profiles]
        for name in unknown:
            known = f"there are {', '.join(profiles)}" if profiles else "the config has none"
            near = self._problems.suggest(name, profiles)
            self._problems.error("", f"unknown profile {name!a}{near}: {known}")
        for name in self._profiles:
            for document, profile in profiles.get(name, []):
                self._lay(document, f"{join('profile', name)}.process", profile.get("process", {}))
        return unknown

    def _profiles_of(self, document: Document) -> dict[str, dict[str, Any]]:
        prefix = _prefix(document, self._main)
        profiles = document.values.get("profile", {})
        if not isinstance(profiles, dict):
            self._problems.error(f"{prefix}profile", "expected tables [profile.NAME.process.ID]")
            return {}
        good: dict[str, dict[str, Any]] = {}
        for name, profile in profiles.items():
            place = prefix + join("profile", name)
            if not isinstance(profile, dict) or not isinstance(profile.get("process", {}), dict):
                self._problems.error(place, "expected tables [profile.NAME.process.ID]")
                continue
            for key in profile:
                if key != "process":
                    near = self._problems.suggest(key, ["process"])
                    self._problems.error(join(place, key), f"unknown field{near}")
            good[name] = profile
        return good

    def _lay(self, document: Document, section: str, tables: Mapping[str, Any]) -> None:
        """Lay tables over the processes of these ids; a table for an unknown id that has a program is a new process."""
        by_id = {process.id: process for process in self._processes if process.id}
        for name, value in tables.items():
            place = join(section, name)
            unique = _prefix(document, self._main) + place
            if not isinstance(value, dict):
                self._problems.error(unique, f"expected a table of names and values, got {kind_of(value)}")
            elif "id" in value:
                self._problems.error(f"{unique}.id", f"unknown field, the name of the table is the id: [{place}]")
            elif name in by_id:
                by_id[name].layers.append(Layer(document, place, value))
            elif {"script", "command", "extends"} & {*value}:
                self._add(document, place, {**value, "id": name}, self._table(self._main, "defaults"))
            else:
                self._problems.error(unique, f"no process has this id{self._problems.suggest(name, by_id)}")

    def _extend(self) -> None:
        by_id = {process.id: process for process in reversed(self._processes) if process.id}
        entries = {process.id: process.entry for process in self._processes if process.id and process.layers}
        for process in self._processes:
            chain = self._chain(process, by_id)
            if chain:
                at = process.layers.index(process.entry)
                process.layers[at:at] = [_without_id(entries[name]) for name in reversed(chain)]

    def _chain(self, process: ProcessLayers, by_id: Mapping[str, ProcessLayers]) -> list[str]:
        """Return the ids that the process extends, nearest first; empty if they cannot be resolved."""
        chain: list[str] = []
        name = _extends(process)
        while name is not None:
            base = by_id.get(name) if isinstance(name, str) else None
            if base is None or not base.layers:
                near = self._problems.suggest(str(name), by_id)
                self._problems.error(f"{process.place}.extends", f"no process has the id {str(name)[:64]!a}{near}")
                return []
            if name in chain or base is process:
                cycle = " → ".join([process.id, *chain, name])
                self._problems.error(f"{process.place}.extends", f"extends cycle: {cycle}")
                return []
            chain.append(name)
            name = _extends(base)
        return chain


def _extends(process: ProcessLayers) -> Any:
    values = (layer.values.get("extends") for layer in reversed(process.layers))
    return next((value for value in values if value is not None), None)


def _without_id(layer: Layer) -> Layer:
    return Layer(layer.document, layer.place, {key: value for key, value in layer.values.items() if key != "id"})
