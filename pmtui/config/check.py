"""Report everything that is wrong with a config: errors in the file, and what is missing on disk (`pmtui check`)."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pmtui.config.environment import build_environment, injected_environment
from pmtui.config.interpreter import resolve
from pmtui.config.load import Loaded, Reader, read_document
from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.notation import in_notation
from pmtui.config.parsing.parser import SyntaxProblem
from pmtui.config.parsing.problems import Problem, Problems
from pmtui.config.ports import Lookup, bind, declared_ports, lookup_in
from pmtui.config.requirements import find_requirements, requirement_hint
from pmtui.config.socket_hints import socket_hints
from pmtui.config.sources import Sources, locate_all, read_sources
from pmtui.text.formatting import printable


def check(loaded: Loaded, base: Mapping[str, str], profiles: Sequence[str] = (), read: Reader | None = None) -> Loaded:
    """Add what is missing on disk or in `base`, the environment, to the problems. Runs nothing.

    `profiles` and `read` are those that the config was loaded with.
    """
    sources = _read_again(loaded, profiles, read)
    places = {owner.place.replace("\0", ": "): owner.place for owner in sources.processes} if sources else {}
    lookup = lookup_in(loaded.processes)
    missing: list[Problem] = []
    for process in loaded.processes:
        if process.instance in (None, 1):
            shown = loaded.entry_paths.get(process.id, process.id)
            missing += _missing(process, places.get(shown, shown), loaded, base, lookup(process))
    located = locate_all(missing, sources) if sources else missing
    return msgspec.structs.replace(loaded, problems=(*loaded.problems, *located))


def _read_again(loaded: Loaded, profiles: Sequence[str], read: Reader | None) -> Sources | None:
    """Return the files of the config, which know the line of each field; None if they cannot be read any more."""
    if loaded.path is None or not loaded.processes:
        return None
    try:
        return read_sources((read or read_document)(loaded.path, Problems()), profiles, Problems())
    except (ConfigError, SyntaxProblem):
        return None


def report(loaded: Loaded) -> str:
    """Return one line per problem, in the format of compilers, and a summary."""
    name = loaded.path.name if loaded.path else "no config"
    lines = [_line(name, problem) for problem in loaded.problems]
    errors = len(loaded.errors)
    counts = [_count(len(loaded.processes), "process")]
    counts += [f"{loaded.left_out} left out"] if loaded.left_out else []
    counts += [_count(errors, "error"), _count(len(lines) - errors, "warning")]
    return "\n".join([*lines, f"{name}: {', '.join(counts)}"])


def report_json(loaded: Loaded) -> str:
    """Return the number of valid processes and every problem, for programs."""
    report = {"config": str(loaded.path) if loaded.path else None, "processes": len(loaded.processes)}
    return msgspec.json.encode(report | {"problems": loaded.problems}).decode()


def _missing(
    config: ProcessConfig, place: str, loaded: Loaded, base: Mapping[str, str], lookup: Lookup
) -> Iterator[Problem]:
    settings, environment = loaded.settings, dict(base)
    try:
        config = bind(config, declared_ports(config), lookup)
        yield from (Problem(f"{place}.{field}", text, warning=True) for field, text in socket_hints(config))
        environment, warnings = build_environment(config, settings, base, injected_environment(config, settings, ""))
        yield from (Problem(place, warning, warning=True) for warning in warnings)
    except ConfigError as error:
        yield Problem(place, str(error))
    try:
        resolve(config, environment)
    except ConfigError as error:
        text = in_notation(str(error), loaded.path.name if loaded.path else None)
        is_awaited = error.field in ("command", "interpreter") and _installs(config, environment)
        text += "; install may provide it before the first start" if is_awaited else ""
        yield Problem(f"{place}.{error.field}" if error.field else place, text, warning=is_awaited)
    if hint := requirement_hint(config, environment):
        yield Problem(place, in_notation(hint, loaded.path.name if loaded.path else None), warning=True)


def _installs(config: ProcessConfig, environment: Mapping[str, str]) -> bool:
    """Return whether something is to be installed before the process starts."""
    if config.install == "auto":
        return any(need.is_missing for need in find_requirements(config, environment))
    return config.install is not None


def _line(name: str, problem: Problem) -> str:
    name = problem.file or name
    where = f"{name}:{problem.line}:{problem.column}" if problem.line else name
    text = f"{problem.path}: {problem.message}" if problem.path else problem.message
    return printable(f"{where}: {'warning' if problem.warning else 'error'}: {text}")


def _count(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    return f"{number or 'no'} {word}{'es' if word.endswith('s') else 's'}"
