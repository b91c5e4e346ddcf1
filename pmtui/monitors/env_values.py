"""Fetch the values of `env` that are kept elsewhere, in a file or behind a command, before a process starts."""

import asyncio
import os

import msgspec

from pmtui.config.discovery import absolute_path
from pmtui.config.files import read_bytes
from pmtui.config.model import ConfigError, ValueSource
from pmtui.config.secrets import Secret
from pmtui.monitors.helper import HelperProcess, run_helper
from pmtui.supervisor.launch import prepare_helper
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor

FETCH_TIMEOUT = 10.0
"""Seconds for each value."""
MAX_VALUE_BYTES = 100_000


class ValueSink:
    """Keeps the output of a command, up to one byte more than a value may have."""

    def __init__(self) -> None:
        self.data = b""

    def feed(self, data: bytes) -> bool:
        self.data += data[: MAX_VALUE_BYTES + 1 - len(self.data)]
        return True

    def has_room(self) -> bool:
        return True

    def feed_eof(self) -> None:
        pass


async def fetch_values(process: Process, supervisor: Supervisor) -> dict[str, Secret]:
    """Return the values by name, fetched in parallel. Raises ConfigError that names the variable, never a value."""
    sources = process.config.env_sources
    values = await asyncio.gather(*(_fetch(name, source, process, supervisor) for name, source in sources.items()))
    return dict(zip(sources, values, strict=True))


async def _fetch(name: str, source: ValueSource, process: Process, supervisor: Supervisor) -> Secret:
    try:
        async with asyncio.timeout(FETCH_TIMEOUT):
            data = await (_read(source) if source.file is not None else _run(source, process, supervisor))
    except TimeoutError:
        error = f"{_origin(source)} gave no value in {FETCH_TIMEOUT:g} s"
        raise ConfigError(f"env.{name} of {process.id}: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"env.{name} of {process.id}: {error}") from None
    if len(data) > MAX_VALUE_BYTES:
        raise ConfigError(f"env.{name} of {process.id}: {_origin(source)} gave more than {MAX_VALUE_BYTES:,} bytes")
    if b"\0" in data:
        raise ConfigError(f"env.{name} of {process.id}: {_origin(source)} gave a NUL, which no variable can hold")
    return Secret(os.fsdecode(data.rstrip(b"\n")))


async def _read(source: ValueSource) -> bytes:
    path = absolute_path(source.file or "", source.directory)
    return await asyncio.to_thread(read_bytes, path, MAX_VALUE_BYTES)


async def _run(source: ValueSource, process: Process, supervisor: Supervisor) -> bytes:
    config = supervisor.addresses.bound(process)
    launch = prepare_helper(config, supervisor.settings, supervisor.environment, "env", source.command or [])
    launch = msgspec.structs.replace(launch, cwd=source.directory or launch.cwd)
    output = ValueSink()
    helper = HelperProcess(supervisor.spawner, supervisor.pipe_reader, launch, output)
    result = await run_helper(helper)
    if result.error:
        said = f": {helper.error_lines[-1]}" if helper.error_lines else ""
        raise ConfigError(f"{_origin(source)}: {result.error}{said}")
    return output.data


def _origin(source: ValueSource) -> str:
    """Name the source: a command by its program only, since its arguments may be secret."""
    return f"command {(source.command or [''])[0]}" if source.file is None else f"file {source.file}"
