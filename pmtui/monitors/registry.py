"""What is done for processes besides keeping them alive."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pmtui.config.model import Settings
from pmtui.logs.capture.pipe_reader import Pump
from pmtui.monitors.health.checks import Checkups
from pmtui.monitors.hooks import Hooks
from pmtui.monitors.install import Installer, Ledger
from pmtui.monitors.memory import MemoryGuard
from pmtui.monitors.watch.reloader import Watcher
from pmtui.spawner.client import Launch
from pmtui.spawner.runs import Runs
from pmtui.spawner.usage import Sampler
from pmtui.supervisor.launch import prepare_beside
from pmtui.supervisor.process import Process


class House(Protocol):
    """What they need of the manager."""

    settings: Settings

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def processes(self) -> Mapping[str, Process]: ...

    def alarm(self, text: str) -> None: ...

    def changed(self, process: Process) -> None: ...


class Attendants:
    """Looks after processes whose state has changed, on the loop's thread."""

    def __init__(self, house: House, runs: Runs, pump: Pump, sampler: Sampler) -> None:
        self._house = house
        self._checkups = Checkups(runs, pump, house.changed)
        self._memory = MemoryGuard(sampler)
        self._watcher = Watcher(house.alarm)
        self._installer = Installer(runs, pump, self._ledger, self._beside, house.changed)
        self._hooks = Hooks(runs, pump, lambda: house.settings, house.environment, house.alarm)
        self._arranging: asyncio.Handle | None = None

    def arrange(self) -> None:
        """To be called when processes have come, gone, or have another configuration."""
        if self._arranging is None:
            self._arranging = asyncio.get_running_loop().call_soon(self._arrange)

    def look(self, process: Process) -> None:
        """To be called whenever the state of the process has changed."""
        self._checkups.look(process)
        self._installer.look(process)
        self._memory.look(process)
        self._watcher.look(process)
        self._hooks.look(process)

    def install(self, process: Process) -> None:
        """Has the process executed as soon as what it depends on is installed."""
        self._installer.begin(process)

    async def close(self) -> None:
        """Nothing more is done."""
        if self._arranging:
            self._arranging.cancel()
        self._checkups.close()
        self._memory.close()
        self._hooks.close()
        await self._watcher.close()

    def _ledger(self) -> Ledger:
        return Ledger(Path(self._house.settings.data_dir) / "installed.json")

    def _beside(self, process: Process, argv: Sequence[str]) -> Launch:
        return prepare_beside(process.config, self._house.settings, self._house.environment, "install", argv)

    def _arrange(self) -> None:
        self._arranging = None
        settings = self._house.settings
        never = [settings.data_dir, *own_output()]
        if settings.pocketbase.data_dir:
            never.append(os.path.expanduser(settings.pocketbase.data_dir))
        self._watcher.arrange(self._house.processes, never)


def own_output() -> list[str]:
    """The files that the manager itself prints to: with them below a watched folder each restart would cause one."""
    found = []
    for descriptor in (1, 2):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [path for path in found if path.startswith("/") and not path.startswith("/dev/")]
