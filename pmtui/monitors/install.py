"""Get a process what it needs before it starts: values kept elsewhere, and dependencies, once for the same inputs."""

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.requirements import existing_manifests, find_requirements, fingerprint
from pmtui.config.secrets import redact
from pmtui.control import Status
from pmtui.monitors.env_values import fetch_values
from pmtui.monitors.helper import HelperProcess, HelperResult
from pmtui.monitors.monitor import Monitor
from pmtui.spawner.client import Launch
from pmtui.supervisor import events
from pmtui.supervisor.launch import prepare_helper
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor
from pmtui.text.units import signal_number

Steps = Sequence[Sequence[str]]


class InstallEntry(msgspec.Struct):
    """What was last installed in one directory; not `done` if it was started and may be incomplete."""

    inputs: str
    done: bool


class InstallRecord:
    """A file that records what was installed where. Its methods block on the disk."""

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
        except (OSError, msgspec.DecodeError):  # what is missing is then installed again
            return {}


class Installation:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.generation = process.state.generation
        self.task: asyncio.Task[None] | None = None
        self.helper: HelperProcess | None = None
        self.is_cancelled = False

    def cancel(self) -> None:
        """Send the stop signal to the running step; it has stopTimeout to end, like the process itself."""
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


class Installer(Monitor):
    """Runs installations, one at a time in each directory, between the request for a start and the spawn."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        supervisor.install = self.start
        self._active: dict[str, Installation] = {}
        self._directory_locks: dict[str, asyncio.Lock] = {}

    def start(self, process: Process) -> None:
        """Install what the process needs, then execute it, or report a failed spawn."""
        installation = self._active[process.id] = Installation(process)
        installation.task = asyncio.create_task(
            self._install_and_start(installation), name=f"installation for {process.id}"
        )

    def process_changed(self, process: Process) -> None:
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
            process.fetched = await fetch_values(process, self.supervisor)
            if process.config.install is not None:
                async with self._directory_locks.setdefault(process.config.cwd, asyncio.Lock()):
                    await self._install(installation)
        except (ConfigError, OSError, ValueError) as error:
            why = str(error)
        except asyncio.CancelledError:
            pass  # the process is stopping; reported below
        finally:
            process.installing = False
            del self._active[process.id]
        if why or process.status is not Status.STARTING:
            process.handle(events.SpawnFailed(generation, why))
        else:
            process.execute(generation)

    async def _install(self, installation: Installation) -> None:
        """Raises ConfigError if a step fails."""
        config = installation.process.config
        record = InstallRecord(Path(self.supervisor.settings.data_dir) / "installed.json")
        launch = self._launch(installation.process, [])
        for job in await asyncio.to_thread(pending_jobs, config, launch.env, record):
            await asyncio.to_thread(record.save, job.key, InstallEntry(job.inputs, done=False))
            for step in job.steps:
                result = await self._run(installation, self._launch(installation.process, step))
                if installation.is_cancelled:
                    return
                if result.error:
                    raise ConfigError(redact(f"install: {shlex.join(step)}: {result.failure()}", launch.env))
            await asyncio.to_thread(mark_done, job, record)

    async def _run(self, installation: Installation, launch: Launch) -> HelperResult:
        process = installation.process
        if not process.installing:
            process.installing = True
            self.supervisor.process_changed(process)
        sinks = process.log.sink("stdout"), process.log.sink("stderr")
        installation.helper = HelperProcess(self.supervisor.spawner, self.supervisor.pipe_reader, launch, *sinks)
        return await installation.helper.result

    def _launch(self, process: Process, argv: Sequence[str]) -> Launch:
        supervisor = self.supervisor
        config = supervisor.addresses.bound(process)
        return prepare_helper(config, supervisor.settings, supervisor.environment, "install", argv)


class Job(msgspec.Struct, frozen=True):
    """What to install in a directory: `key` in the record, `inputs` the fingerprint of the files it depends on."""

    cwd: str
    key: str
    steps: Steps
    hashed: Steps  # the steps that are part of the fingerprint
    inputs: str
    manifests: list[str]


def pending_jobs(config: ProcessConfig, environment: Mapping[str, str], record: InstallRecord) -> list[Job]:
    cwd, files = config.cwd, existing_manifests(config.cwd)
    if isinstance(config.install, list):
        key, inputs = f"{cwd}: install", fingerprint(cwd, [config.install])
        if record.find(key) == InstallEntry(inputs, done=True):
            return []
        return [Job(cwd, key, [config.install], [config.install], inputs, files)]
    jobs, inputs = list[Job](), fingerprint(cwd, [])
    for requirement in find_requirements(config, environment):
        key = os.path.join(cwd, requirement.target)
        entry = record.find(key)
        if requirement.is_missing or (entry and not entry.done):
            jobs.append(Job(cwd, key, requirement.steps, [], inputs, files))
        elif entry and entry.inputs != inputs:
            jobs.append(Job(cwd, key, requirement.steps[-1:], [], inputs, files))
    return jobs


def mark_done(job: Job, record: InstallRecord) -> None:
    """Record the job as done, with a lock file it may have written, but without changes that others have made since."""
    before = fingerprint(job.cwd, job.hashed, job.manifests)
    inputs = fingerprint(job.cwd, job.hashed) if before == job.inputs else job.inputs
    record.save(job.key, InstallEntry(inputs, done=True))
