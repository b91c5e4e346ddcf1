"""Restart processes after those they depend on were restarted, if they ask for it."""

from itertools import takewhile

from pmtui.control import INACTIVE_STATES, Reason, Status
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor import events
from pmtui.supervisor.dependencies import unmet_condition
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor


class Cascades(Monitor):
    """Restarts each dependent once, when everything it is restarted after runs again."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._dependents: dict[str, list[str]] = {}
        self._generations: dict[str, int] = {}  # of the last run seen
        self._was_inactive: set[str] = set()
        self._seen: dict[str, int] = {}  # the last event of each process
        self._due: dict[str, set[str]] = {}  # dependents, and what was restarted

    def processes_changed(self) -> None:
        self._dependents = {}
        for process in self.supervisor.processes.values():
            for target in process.config.restart_after:
                self._dependents.setdefault(target, []).append(process.id)

    def process_changed(self, process: Process) -> None:
        if not self._dependents or process.policy.is_job:  # later runs of a job restart nothing
            return
        state = process.state
        if state.status in INACTIVE_STATES or self._has_been_inactive(process):
            self._was_inactive.add(process.id)
        if state.status not in INACTIVE_STATES:
            last = self._generations.get(process.id, state.generation)
            if state.generation != last and process.id not in self._was_inactive:  # no start after a stop
                self._mark(process.id)
            self._generations[process.id] = state.generation
            if state.spawned_at is not None:
                self._was_inactive.discard(process.id)
        self._restart_due()

    def _has_been_inactive(self, process: Process) -> bool:
        """Whether it was since the last call: a stop and a start may come in one turn of the loop."""
        seen = self._seen.get(process.id, 0)
        new = [*takewhile(lambda event: event.seq > seen, reversed(process.events))]
        if new:
            self._seen[process.id] = new[0].seq
        return any(event.to in INACTIVE_STATES for event in new)

    def _mark(self, process_id: str) -> None:
        for dependent in self._dependents.get(process_id, ()):
            self._due.setdefault(dependent, set()).add(process_id)
            self._mark_indirect(dependent)

    def _mark_indirect(self, process_id: str) -> None:
        """Let those that are restarted after this one wait for it, too."""
        for dependent in self._dependents.get(process_id, ()):
            if process_id not in self._due.get(dependent, ()):
                self._due.setdefault(dependent, set()).add(process_id)
                self._mark_indirect(dependent)

    def _restart_due(self) -> None:
        for process_id in [*self._due]:
            process = self.supervisor.processes.get(process_id)
            if process is None or process.status in INACTIVE_STATES:
                del self._due[process_id]
            elif process.status is not Status.STOPPING and self._has_settled(process):
                causes = self._due.pop(process_id)
                self._restart(process, causes)

    def _has_settled(self, process: Process) -> bool:
        """Whether everything that it is restarted after, or waits for, is as it has to be."""
        processes = self.supervisor.processes
        for target_id in {*self._due[process.id], *process.config.depends_on}:
            target = processes.get(target_id)
            if target is None:
                continue
            if target_id in self._due or unmet_condition(target, process.config.depends_on.get(target_id)):
                return False
        return True

    def _restart(self, process: Process, causes: set[str]) -> None:
        """Restart the process, unless its run is newer than those of all causes."""
        begun = process.state.spawned_at
        targets = [self.supervisor.processes[name] for name in causes if name in self.supervisor.processes]
        newer = [one.id for one in targets if begun is not None and (one.state.spawned_at or 0.0) > begun]
        if newer and process.status is not Status.WAITING:
            detail = f"{', '.join(sorted(newer))} restarted"
            process.handle(events.Restart(Reason.DEPENDENCY, detail))
