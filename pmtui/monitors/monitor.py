"""The interface of a monitor."""

from pmtui.control import Alarm
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor


class Monitor:
    """Reacts to changes, on the loop's thread. Acts on processes by `Process.handle`, like everything else."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor

    def process_changed(self, process: Process) -> None:
        """The state or the health of the process has changed."""

    def processes_changed(self) -> None:
        """Processes were added, removed or reconfigured."""

    def alarm_changed(self, alarm: Alarm) -> None:
        """An alarm was raised, or is over."""

    async def close(self) -> None:
        """Every process has ended; release everything."""
