"""What is done for processes besides keeping them alive."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pmtui.config.model import Settings
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.monitors.health.checks import HealthMonitor
from pmtui.monitors.hooks import Hooks
from pmtui.monitors.install import Installer, InstallRecord
from pmtui.monitors.memory import MemoryMonitor
from pmtui.monitors.watch.reloader import FileReloader
from pmtui.spawner.client import Launch, Spawner
from pmtui.spawner.usage import UsageSampler
from pmtui.supervisor.launch import prepare_helper
from pmtui.supervisor.process import Process


class House(Protocol):
    """What they need of the manager."""

    settings: Settings

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def processes(self) -> Mapping[str, Process]: ...

    def process_changed(self, process: Process) -> None: ...


class Monitors:
    """Looks after processes whose state has changed, on the loop's thread."""

    def __init__(self, house: House, spawner: Spawner, pump: PipeReader, sampler: UsageSampler) -> None:
        self._house = house
        self._health = HealthMonitor(spawner, pump, house.process_changed)
        self._memory = MemoryMonitor(sampler)
        self._reloader = FileReloader()
        self._installer = Installer(spawner, pump, self._install_record, self._prepare_helper, house.process_changed)
        self._hooks = Hooks(spawner, pump, lambda: house.settings, house.environment)
        self._update_handle: asyncio.Handle | None = None

    def processes_changed(self) -> None:
        """To be called when processes have come, gone, or have another configuration."""
        if self._update_handle is None:
            self._update_handle = asyncio.get_running_loop().call_soon(self._update_watches)

    def process_changed(self, process: Process) -> None:
        """To be called whenever the state of the process has changed."""
        self._health.process_changed(process)
        self._installer.process_changed(process)
        self._memory.process_changed(process)
        self._reloader.process_changed(process)
        self._hooks.process_changed(process)

    def install(self, process: Process) -> None:
        """Has the process executed as soon as what it depends on is installed."""
        self._installer.start(process)

    async def close(self) -> None:
        """Nothing more is done."""
        if self._update_handle:
            self._update_handle.cancel()
        self._health.close()
        self._memory.close()
        self._hooks.close()
        await self._reloader.close()

    def _install_record(self) -> InstallRecord:
        return InstallRecord(Path(self._house.settings.data_dir) / "installed.json")

    def _prepare_helper(self, process: Process, argv: Sequence[str]) -> Launch:
        return prepare_helper(process.config, self._house.settings, self._house.environment, "install", argv)

    def _update_watches(self) -> None:
        self._update_handle = None
        settings = self._house.settings
        never = [settings.data_dir, *own_output()]
        if settings.pocketbase.data_dir:
            never.append(os.path.expanduser(settings.pocketbase.data_dir))
        self._reloader.processes_changed(self._house.processes, never)


def own_output() -> list[str]:
    """The files that the manager itself prints to: with them below a watched folder each restart would cause one."""
    found = []
    for descriptor in (1, 2):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [path for path in found if path.startswith("/") and not path.startswith("/dev/")]
