"""Resolve dependencies: find unknown ids and cycles, and leave out what depends on them."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pmtui.config.model import ProcessConfig
from pmtui.config.parsing.problems import Problems, join
from pmtui.config.ports import shift_ports

_MAX_SHOWN = 10


class ConfigEntry(msgspec.Struct, frozen=True):
    """A process of the file; `config` is None if it has errors."""

    place: str
    id: str
    depends_on: Sequence[str]
    config: ProcessConfig | None


def expand_instances(config: ProcessConfig) -> list[ProcessConfig]:
    """Return one config per instance, `id-1` to `id-n`; a single process is returned as it is.

    An instance does not know the total, so changing the number leaves the other instances unchanged.
    """
    if config.instances == 1:
        return [config]
    return [
        shift_ports(msgspec.structs.replace(config, id=name, instance=number, instances=1), number)
        for number, name in enumerate(instance_ids(config), 1)
    ]


def instance_ids(config: ProcessConfig) -> list[str]:
    if config.instances == 1:
        return [config.id]
    return [f"{config.id}-{number}" for number in range(1, config.instances + 1)]


def restart_targets(raw: object) -> list[str]:
    """Return the dependencies of a raw process after whose restarts it is to be restarted."""
    dependencies = raw.get("dependsOn") if isinstance(raw, dict) else None
    if not isinstance(dependencies, dict):
        return []
    return [name for name, value in dependencies.items() if isinstance(value, dict) and value.get("restart") is True]


def resolve_dependencies(entries: Sequence[ConfigEntry], problems: Problems) -> list[ProcessConfig]:
    """Return all instances of the valid entries, with each dependency resolved to instance ids.

    Also leaves out whatever depends on an unknown id, on itself, on a cycle or on an entry that is left out.
    """
    good = {entry.id: entry.config for entry in entries if entry.config}
    instances = {name: instance_ids(config) for name, config in good.items()}
    owners = {entry.id: entry.id for entry in entries}
    owners |= {instance: name for name, names in instances.items() for instance in names}
    places = {entry.id: entry.place for entry in entries}
    broken = {entry.id for entry in entries if not entry.config}
    graph = {entry.id: _targets(entry, owners, problems) for entry in entries}
    broken |= {entry.id for entry in entries if len(graph[entry.id]) < len(entry.depends_on)}
    for cycle in _cycles(graph):
        broken.add(cycle[0])
        shown = cycle if len(cycle) <= _MAX_SHOWN else [*cycle[:_MAX_SHOWN], "…"]
        problems.error(f"{places[cycle[0]]}.dependsOn", f"dependency cycle: {' → '.join([*shown, cycle[0]])}")
    _propagate_errors(graph, broken, places, problems)
    linked = [_by_instance(config, instances) for name, config in good.items() if name not in broken]
    return [instance for config in linked for instance in expand_instances(config)]


def _targets(entry: ConfigEntry, owners: Mapping[str, str], problems: Problems) -> list[str]:
    """Return the processes it depends on, except unresolvable ones."""
    targets: list[str] = []
    for name in entry.depends_on:
        here = join(f"{entry.place}.dependsOn", name)
        owner = owners.get(name)
        if owner is None:
            problems.error(here, f"no process has this id{problems.suggest(name, owners)}")
        elif owner == entry.id:
            problems.error(here, "a process cannot depend on itself")
        else:
            targets.append(owner)
    return targets


def _cycles(graph: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Return at least one cycle of each strongly connected group; iterative, since chains may be long."""
    done: set[str] = set()
    told: set[str] = set()
    for root in graph:
        trail: dict[str, Iterator[str]] = {} if root in done else {root: iter(graph[root])}
        while trail:
            node = next(reversed(trail))
            target = next(trail[node], None)
            if target is None:
                trail.pop(node)
                done.add(node)
            elif target in trail and node not in told:
                names = list(trail)
                cycle = names[names.index(target) :]
                told.update(cycle)
                yield cycle
            elif target not in trail and target not in done:
                trail[target] = iter(graph[target])


def _propagate_errors(
    graph: Mapping[str, Sequence[str]], broken: set[str], places: Mapping[str, str], problems: Problems
) -> None:
    dependents: dict[str, list[str]] = {}
    for name, targets in graph.items():
        for target in targets:
            dependents.setdefault(target, []).append(name)
    todo = list(broken)
    while todo:
        gone = todo.pop()
        for name in dependents.get(gone, ()):
            if name not in broken:
                broken.add(name)
                todo.append(name)
                here = join(f"{places[name]}.dependsOn", gone)
                problems.error(here, f"{gone} is left out because of its errors, and with it what depends on it")


def _by_instance(config: ProcessConfig, instances: Mapping[str, list[str]]) -> ProcessConfig:
    if not config.depends_on:
        return config
    wanted = {
        instance: condition for name, condition in config.depends_on.items() for instance in instances.get(name, [name])
    }
    followed = [instance for name in config.restart_after for instance in instances.get(name, [name])]
    return msgspec.structs.replace(config, depends_on=wanted, restart_after=followed)
