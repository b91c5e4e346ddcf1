"""The ways to ask a process how it is. Each asks once: it gives the good news in a few words, or raises ProbeError."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from pmtui.config.model import Health
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.ring_buffer import RingBuffer
from pmtui.monitors.helper import HelperProcess, run_helper
from pmtui.spawner.client import Launch, Spawner
from pmtui.text.regex import Pattern, PatternError

if TYPE_CHECKING:
    from pmtui.supervisor.process import Process

LOG_MATCH_TIMEOUT = 0.9
"""Seconds for which one look at the log waits for the line: until the next look."""


class ProbeError(Exception):
    """The process is not well; the message says how that shows, in a few words without a secret."""


class Probe(Protocol):
    """May be cancelled at any moment, and then leaves nothing behind."""

    async def check(self) -> str: ...

    def close(self) -> None: ...


def probe_for(process: "Process", health: Health, spawner: Spawner, pump: PipeReader) -> Probe:
    """The probe of that health check, for the present run of the process."""
    try:
        return _probe(process, health, spawner, pump)
    except (ValueError, PatternError) as error:
        return InvalidProbe(f"the health check itself is wrong: {error}")


def _probe(process: "Process", health: Health, spawner: Spawner, pump: PipeReader) -> Probe:
    ring = process.log.ring
    if health.http is not None:
        return HttpProbe(health.http)
    if health.tcp is not None:
        return TcpProbe(health.tcp)
    if health.command is not None:
        assert process.prepared
        return CommandProbe(replace(process.prepared.launch, argv=health.command), spawner, pump)
    if health.log is not None:
        return LogProbe(Pattern(health.log), ring, process.first_line)
    assert health.silence is not None
    return SilenceProbe(health.silence, ring)


class InvalidProbe:
    """What cannot be asked is never well."""

    def __init__(self, why: str) -> None:
        self._error = why

    async def check(self) -> str:
        raise ProbeError(self._error)

    def close(self) -> None:
        pass


class HttpProbe:
    """Good is any status of 2xx or 3xx; redirects are not followed, the body is not looked at."""

    def __init__(self, url: str) -> None:
        from pmtui.monitors.health import http

        self._http = http
        self._request = http.get(url)

    async def check(self) -> str:
        try:
            status = await self._http.fetch_status(self._request)
        except self._http.ResponseError as error:
            raise ProbeError(str(error)) from None
        if not 200 <= status < 400:
            raise ProbeError(status_text(status))
        return status_text(status)

    def close(self) -> None:
        pass


class TcpProbe:
    """Good is a port that takes a connection."""

    def __init__(self, address: str) -> None:
        from pmtui.monitors.health.http import connect

        self._connect = connect
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)

    async def check(self) -> str:
        await self._connect(CloseOnConnect(), self._host, self._port)
        return "connected"

    def close(self) -> None:
        pass


class CloseOnConnect(asyncio.Protocol):
    """Closes the connection as soon as it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class CommandProbe:
    """Good is exit code 0. All that the command has started is ended with it, and at the latest when nobody waits."""

    def __init__(self, launch: Launch, spawner: Spawner, pump: PipeReader) -> None:
        self._launch = launch
        self._spawner = spawner
        self._pipe_reader = pump

    async def check(self) -> str:
        outcome = await run_helper(HelperProcess(self._spawner, self._pipe_reader, self._launch))
        last = outcome.lines[-1] if outcome.lines else ""
        if outcome.error:
            raise ProbeError(f"{outcome.error}: {last}" if last else outcome.error)
        return last or "exit 0"

    def close(self) -> None:
        pass


class LogProbe:
    """Good is a line of the run that matches, from the moment it is there."""

    def __init__(self, pattern: Pattern, ring: RingBuffer, first: int) -> None:
        self._pattern = pattern
        self._ring = ring
        self._next = first
        self._loop = asyncio.get_running_loop()
        self._seen = asyncio.Event()
        self._has_matched = False
        self.close = ring.listen(self._scan)
        self._scan()

    async def check(self) -> str:
        try:
            async with asyncio.timeout(LOG_MATCH_TIMEOUT):
                await self._seen.wait()
        except TimeoutError:
            raise ProbeError("no line has matched so far") from None
        return "a line has matched"

    def _scan(self) -> None:
        """Each line as it comes, in the thread that read it: what waits may leave memory unseen."""
        if self._has_matched:
            return
        end = self._ring.end
        lines = self._ring.raw(self._next, end - self._next)
        self._next = end
        if any(self._pattern.is_in(line.data) for line in lines):
            self._has_matched = True
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._seen.set)


class SilenceProbe:
    """Good is any output within so many seconds."""

    def __init__(self, seconds: float, ring: RingBuffer, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last_output = clock()
        self.close = ring.listen(self._on_output)

    async def check(self) -> str:
        silent = self._clock() - self._last_output
        if silent >= self._seconds:
            raise ProbeError(f"no output for {silent:.0f} s")
        return f"output {silent:.0f} s ago"

    def _on_output(self) -> None:
        self._last_output = self._clock()


def status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def error_text(error: OSError) -> str:
    """Why a connection or a program failed, without the addresses that Python puts there."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
