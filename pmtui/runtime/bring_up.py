"""Processes as they come up: when each one was ready, what it waited for, and where the time went."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from pmtui.config.model import MIN_HEALTHY_UPTIME, ProcessConfig
from pmtui.config.ports import declared_ports, variable_of
from pmtui.control import Snapshot, Status
from pmtui.supervisor.dependencies import transitive_dependencies

OBSTACLES = frozenset({Status.FAILED, Status.STOPPED})
"""States in which a process that was started does not come up any more."""


def is_up(row: Snapshot) -> bool:
    """Return whether a process is healthy, has run for a second if it has no health check, has completed, or waits
    for its time.
    """
    if row.status is Status.RUNNING:
        return row.health is not None or row.uptime_seconds >= MIN_HEALTHY_UPTIME
    return row.status in (Status.COMPLETED, Status.SCHEDULED)


class Step(msgspec.Struct, frozen=True):
    """How one process came up: seconds since the beginning, and the dependency that was ready last."""

    id: str
    status: Status
    started: float
    ready: float
    waited_for: str | None

    @property
    def duration(self) -> float:
        return self.ready - self.started


class BringUp:
    """Records when the processes that autostart, and what they depend on, are up.

    `on_crash` is called with each process the first time that it crashes, while it is waited for.
    """

    def __init__(
        self,
        configs: Iterable[ProcessConfig],
        clock: Callable[[], float] = time.monotonic,
        on_crash: Callable[[Snapshot], None] = lambda row: None,
    ) -> None:
        self.configs = {config.id: config for config in configs}
        chosen = [config.id for config in self.configs.values() if config.autostart]
        needed = {name for process_id in chosen for name in transitive_dependencies(process_id, self.configs)}
        self.ids = [name for name in self.configs if name in needed or name in chosen]
        self.rows: dict[str, Snapshot] = {}
        self._clock = clock
        self._begin = clock()
        self._started: dict[str, float] = {}
        self._ready: dict[str, float] = {}
        self._on_crash, self._crashed = on_crash, set[str]()

    def observe(self, rows: Iterable[Snapshot]) -> bool:
        """Take the latest state of all processes, and return whether the outcome is known."""
        now = self._clock() - self._begin
        self.rows = {row.id: row for row in rows if row.id in self.configs}
        for name in self.ids:
            if row := self.rows.get(name):
                if row.status not in (Status.WAITING, Status.STOPPED):
                    self._started.setdefault(name, now)
                if is_up(row):
                    self._ready.setdefault(name, now)
                if row.status is Status.CRASHED and name not in self._crashed:
                    self._crashed.add(name)
                    self._on_crash(row)
        return self.is_up or self.has_failed

    @property
    def is_up(self) -> bool:
        return all(name in self.rows and is_up(self.rows[name]) for name in self.ids)

    @property
    def has_failed(self) -> bool:
        return any(name not in self.rows or self.rows[name].status in OBSTACLES for name in self.ids)

    @property
    def settling(self) -> dict[str, float]:
        """The running processes that are not up yet, with the seconds that each still has to run."""
        rows = (self.rows[name] for name in self.ids if name in self.rows)
        young = (row for row in rows if row.status is Status.RUNNING and not is_up(row))
        return {row.id: MIN_HEALTHY_UPTIME - row.uptime_seconds for row in young}

    @property
    def causes(self) -> list[Snapshot]:
        """The processes that keep others from coming up, without those that only depend on one."""
        late = [self.rows[name] for name in self.ids if name in self.rows and not is_up(self.rows[name])]
        failed = [row for row in late if row.status in OBSTACLES]
        return [row for row in failed if not row.blocked] or failed or late

    def steps(self) -> list[Step]:
        """Return how each process came up, in the order in which they were ready."""
        found = [
            Step(name, self.rows[name].status, self._started[name], ready, self._last_dependency(name))
            for name, ready in self._ready.items()
            if name in self.rows
        ]
        return sorted(found, key=lambda step: step.ready)

    def critical_chain(self) -> list[Step]:
        """Return the steps that decided how long it took, each after the one that it waited for."""
        steps = {step.id: step for step in self.steps()}
        chain = list[Step]()
        step = max(steps.values(), key=lambda step: step.ready, default=None)
        while step:
            chain.append(step)
            step = steps.get(step.waited_for or "")
        return chain[::-1]

    def addresses(self) -> dict[str, str]:
        """Return `ID_PORT`, `ID_PORT_NAME` and `ID_URL` for every process that has ports."""
        found: dict[str, str] = {}
        for name, row in self.rows.items():
            prefix = re.sub("[^A-Z0-9]", "_", name.upper())
            found |= _addresses(prefix, [*declared_ports(self.configs[name])], row)
        return found

    def _last_dependency(self, name: str) -> str | None:
        known = [target for target in self.configs[name].depends_on if target in self._ready]
        return max(known, key=self._ready.__getitem__, default=None)


def _addresses(prefix: str, names: Sequence[str], row: Snapshot) -> Mapping[str, str]:
    if not names or not row.ports:
        return {}
    named = {f"{prefix}_{variable_of(name)}": str(port) for name, port in zip(names, row.ports, strict=False)}
    url = {f"{prefix}_URL": row.urls[0]} if row.urls else {}
    return {f"{prefix}_PORT": str(row.ports[0])} | named | url
