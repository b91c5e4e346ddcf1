"""What reacts to the changes of processes."""

from typing import Protocol

from pmtui.control import Alarm
from pmtui.supervisor.process import Process


class Observer(Protocol):
    """Reacts to changes, on the loop's thread."""

    def process_changed(self, process: Process) -> None:
        """The state or the health of the process has changed."""

    def processes_changed(self) -> None:
        """Processes were added, removed or reconfigured."""

    def alarm_changed(self, alarm: Alarm) -> None:
        """An alarm was raised, or is over."""

    async def close(self) -> None: ...
