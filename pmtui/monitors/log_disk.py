"""Raise an alarm while log files cannot be written, and try again until they can."""

import asyncio

import msgspec

from pmtui.control import Alarm
from pmtui.monitors.monitor import Monitor
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.timestamps import now_ms, rfc3339

CHECK_INTERVAL = 1.0


class LogDiskMonitor(Monitor):
    """Looks at what the writer of the logs says; that costs next to nothing."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._raised: Alarm | None = None
        self._task = asyncio.create_task(self._watch(), name="log disk")

    async def close(self) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            failing = self.supervisor.logs.has_problem()
            if failing:
                self.supervisor.logs.retry()
            if failing and self._raised is None:
                self._raise()
            elif self._raised and not failing:
                self.supervisor.alarm(self._ended(self._raised))
                self._raised = None
            elif self._raised:
                self._raised = self._alarm() or self._raised

    def _raise(self) -> None:
        self._raised = self._alarm()
        if self._raised:
            self.supervisor.alarm(self._raised)

    def _alarm(self) -> Alarm | None:
        problems = {one.id: problem for one in self.supervisor.processes.values() if (problem := one.log.problem())}
        if not problems:
            return None
        first = min(problems.values(), key=lambda problem: problem.since)
        return Alarm(
            kind="log-disk",
            is_over=False,
            since=first.since,
            until=None,
            message=first.message,
            missing_lines=sum(problem.missing_lines for problem in problems.values()),
            missing_bytes=sum(problem.missing_bytes for problem in problems.values()),
            ids=[*problems],
        )

    def _ended(self, alarm: Alarm) -> Alarm:
        return msgspec.structs.replace(alarm, is_over=True, until=rfc3339(now_ms()))
