"""What is done for processes besides keeping them alive."""

from typing import Protocol

from pmtui.logs.pump import Pump
from pmtui.supervise.health import Checkups
from pmtui.supervise.process import Process
from pmtui.supervise.runs import Runs


class House(Protocol):
    """What they need of the manager."""

    def changed(self, process: Process) -> None: ...


class Attendants:
    """Looks after processes whose state has changed, on the loop's thread."""

    def __init__(self, house: House, runs: Runs, pump: Pump) -> None:
        self._checkups = Checkups(runs, pump, house.changed)

    def look(self, process: Process) -> None:
        """To be called whenever the state of the process has changed."""
        self._checkups.look(process)

    async def close(self) -> None:
        """Nothing more is done."""
        self._checkups.close()
