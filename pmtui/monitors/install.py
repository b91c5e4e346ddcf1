"""Installs what a process depends on before it starts, once for the same inputs."""

import asyncio
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.requirements import existing_manifests, find_requirements, fingerprint
from pmtui.config.secrets import redact
from pmtui.control import Status
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.monitors.helper import HelperProcess, HelperResult
from pmtui.spawner.client import Launch, Spawner
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.text.units import signal_number

MAX_ERROR_LINES = 5
"""Lines of a failed installation that explain the failed start."""
Steps = Sequence[Sequence[str]]


class InstallEntry(msgspec.Struct):
    """What was installed last in one folder; not `done`: it was begun, and nobody knows how far it came."""

    inputs: str
    done: bool


class InstallRecord:
    """What was installed where, kept in a file. Its methods wait for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, key: str) -> InstallEntry | None:
        return self._load().get(key)

    def save(self, key: str, entry: InstallEntry) -> None:
        entries = self._load() | {key: entry}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(entries))
        beside.replace(self._path)

    def _load(self) -> dict[str, InstallEntry]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, InstallEntry])
        except (OSError, msgspec.DecodeError):  # then everything that is missing is installed once more
            return {}


class Installation:
    """One that is under way for a process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.generation = process.state.generation
        self.task: asyncio.Task[None] | None = None
        self.helper: HelperProcess | None = None
        self.is_cancelled = False

    def cancel(self) -> None:
        """The process is to stop: what runs is asked to end, and has as long for that as the process itself."""
        if self.is_cancelled:
            return
        self.is_cancelled = True
        config = self.process.config
        if self.helper:
            self.helper.terminate(signal_number(config.stop_signal))
            asyncio.get_running_loop().call_later(config.stop_timeout, self.helper.kill)
        elif self.task:
            self.task.cancel()

    def kill(self) -> None:
        self.cancel()
        if self.helper:
            self.helper.kill()


class Installer:
    """Sees to it that what a process depends on is there; `launch` tells how a program is run for a process."""

    def __init__(
        self,
        spawner: Spawner,
        pump: PipeReader,
        ledger: Callable[[], InstallRecord],
        launch: Callable[[Process, Sequence[str]], Launch],
        changed: Callable[[Process], None],
    ) -> None:
        self._spawner = spawner
        self._pipe_reader = pump
        self._record = ledger
        self._launch = launch
        self._on_change = changed
        self._active: dict[str, Installation] = {}
        self._directory_locks: dict[str, asyncio.Lock] = {}

    def start(self, process: Process) -> None:
        """Has the process executed as soon as all is there, or tells it that its start has failed."""
        installation = self._active[process.id] = Installation(process)
        installation.task = asyncio.create_task(
            self._install_and_start(installation), name=f"installation for {process.id}"
        )

    def process_changed(self, process: Process) -> None:
        """To be called whenever the state of the process has changed."""
        installation = self._active.get(process.id)
        if installation and process.status is Status.STOPPING:
            if process.state.killed:
                installation.kill()
            else:
                installation.cancel()

    async def _install_and_start(self, installation: Installation) -> None:
        process, generation = installation.process, installation.generation
        why = ""
        try:
            async with self._directory_locks.setdefault(process.config.cwd, asyncio.Lock()):
                await self._install(installation)
        except (ConfigError, OSError, ValueError) as error:
            why = str(error)
        except asyncio.CancelledError:
            pass  # its start is called off, which is to be told below
        finally:
            process.installing = False
            del self._active[process.id]
        if why or process.status is not Status.STARTING:
            process.handle(events.SpawnFailed(generation, why))
        else:
            process.execute(generation)

    async def _install(self, installation: Installation) -> None:
        """Raises ConfigError when it fails."""
        config, ledger = installation.process.config, self._record()
        launch = self._launch(installation.process, [])
        for job in await asyncio.to_thread(pending_jobs, config, launch.env, ledger):
            await asyncio.to_thread(ledger.save, job.key, InstallEntry(job.inputs, done=False))
            for step in job.steps:
                outcome = await self._run(installation, self._launch(installation.process, step))
                if installation.is_cancelled:
                    return
                if outcome.error:
                    words = "\n".join(outcome.lines[-MAX_ERROR_LINES:])
                    raise ConfigError(redact(f"install: {shlex.join(step)}: {outcome.error}\n{words}", launch.env))
            await asyncio.to_thread(mark_done, job, ledger)

    async def _run(self, installation: Installation, launch: Launch) -> HelperResult:
        process = installation.process
        if not process.installing:
            process.installing = True
            self._on_change(process)
        sinks = process.log.sink("stdout"), process.log.sink("stderr")
        installation.helper = HelperProcess(self._spawner, self._pipe_reader, launch, *sinks)
        return await installation.helper.result


class Job(msgspec.Struct, frozen=True):
    """What is to be installed in a folder: its key in the ledger, and the fingerprint of what it starts from."""

    cwd: str
    key: str
    steps: Steps
    hashed: Steps  # what of the steps the fingerprint is about
    inputs: str
    manifests: list[str]


def pending_jobs(config: ProcessConfig, environment: Mapping[str, str], ledger: InstallRecord) -> list[Job]:
    cwd, files = config.cwd, existing_manifests(config.cwd)
    if isinstance(config.install, list):
        key, inputs = f"{cwd}: install", fingerprint(cwd, [config.install])
        if ledger.find(key) == InstallEntry(inputs, done=True):
            return []
        return [Job(cwd, key, [config.install], [config.install], inputs, files)]
    found, inputs = list[Job](), fingerprint(cwd, [])
    for need in find_requirements(config, environment):
        key = os.path.join(cwd, need.target)
        entry = ledger.find(key)
        if need.is_missing or (entry and not entry.done):
            found.append(Job(cwd, key, need.steps, [], inputs, files))
        elif entry and entry.inputs != inputs:
            found.append(Job(cwd, key, need.steps[-1:], [], inputs, files))
    return found


def mark_done(job: Job, ledger: InstallRecord) -> None:
    """Notes that it is done, with the lock that it may have made; but not what somebody has changed meanwhile."""
    before = fingerprint(job.cwd, job.hashed, job.manifests)
    inputs = fingerprint(job.cwd, job.hashed) if before == job.inputs else job.inputs
    ledger.save(job.key, InstallEntry(inputs, done=True))
