"""The kinds of health checks. A probe checks once, and returns a few words on success, or raises ProbeError."""

import asyncio
import ipaddress
import os
import re
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from pmtui.config.model import Health
from pmtui.logs.ring_buffer import RingBuffer
from pmtui.monitors.helper import HelperProcess, run_helper
from pmtui.spawner.client import Launch
from pmtui.spawner.port_owner import PortOwner
from pmtui.supervisor.notice import Notice
from pmtui.text.regex import Pattern, PatternError

if TYPE_CHECKING:
    from pmtui.supervisor.process import Process
    from pmtui.supervisor.run import Run
    from pmtui.supervisor.supervisor import Supervisor

_ERRNO = re.compile(r"\[Errno (\d+)\]")
LOG_MATCH_TIMEOUT = 0.9
"""Seconds one check waits for the line, about until the next check."""


class ProbeError(Exception):
    """The check has failed; the message says why, in a few words and without secrets."""


class Probe(Protocol):
    """One kind of check. May be cancelled at any moment, and then leaves nothing behind."""

    async def check(self) -> str: ...

    def close(self) -> None: ...


def probe_for(process: "Process", run: "Run", health: Health, supervisor: "Supervisor") -> Probe:
    """Create the probe for this run of the process."""
    try:
        return _probe(process, run, health, supervisor)
    except (ValueError, PatternError) as error:
        return InvalidProbe(f"invalid health check: {error}")


def _probe(process: "Process", run: "Run", health: Health, supervisor: "Supervisor") -> Probe:
    ring = process.log.ring
    if health.http is not None:
        return HttpProbe(health.http, health.verify, PortGuard(process, supervisor))
    if health.tcp is not None:
        return TcpProbe(health.tcp, PortGuard(process, supervisor))
    if health.command is not None:
        assert run.prepared
        return CommandProbe(replace(run.prepared.launch, argv=health.command, sockets=()), supervisor)
    if health.log is not None:
        return LogProbe(Pattern(health.log), ring, run.first_line, run.start)
    if health.file is not None:
        return FileProbe(os.path.join(process.config.cwd, os.path.expanduser(health.file)))
    if health.notify:
        return NotifyProbe(run.notice, health.interval, process.config.stop_timeout)
    assert health.silence is not None
    return SilenceProbe(health.silence, ring)


class PortGuard:
    """Fails a check of a local port that is served by a program outside the process's tree."""

    def __init__(self, process: "Process", supervisor: "Supervisor") -> None:
        self._name = process.id
        self._supervisor = supervisor
        self._owner = PortOwner(supervisor.spawner.base, process.run)

    async def inspect(self, transport: asyncio.BaseTransport) -> None:
        """Raises ProbeError."""
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if not peer or not own or (peer[0] != own[0] and not ipaddress.ip_address(peer[0]).is_loopback):
            return  # on another machine
        if self._owner.is_known():
            return
        stranger = await asyncio.to_thread(self._owner.find_stranger, peer[0], peer[1])
        if not stranger and not self._owner.is_known() and self._is_own_api(peer[1]):
            stranger = f"pmtui (pid {os.getpid()})"
        if stranger:
            raise ProbeError(f"port {peer[1]} is served by {stranger}, not by {self._name}")

    def _is_own_api(self, port: int) -> bool:
        source = self._supervisor.source
        return source is not None and source.url is not None and source.url.endswith(f":{port}")


class InvalidProbe:
    """Always fails."""

    def __init__(self, error: str) -> None:
        self._error = error

    async def check(self) -> str:
        raise ProbeError(self._error)

    def close(self) -> None:
        pass


class HttpProbe:
    """Succeeds on any status 2xx or 3xx. Redirects are not followed, the body is ignored."""

    def __init__(self, url: str, verify: bool = True, guard: PortGuard | None = None) -> None:
        from pmtui.monitors.health import http

        self._http = http
        self._request = http.get(url, verify)
        self._inspect = guard.inspect if guard else None

    async def check(self) -> str:
        try:
            status = await self._http.fetch_status(self._request, self._inspect)
        except self._http.ResponseError as error:
            raise ProbeError(str(error)) from None
        except ssl.SSLCertVerificationError as error:
            raise ProbeError(f"{error_text(error)} (health.verify: false accepts any)") from None
        if not 200 <= status < 400:
            raise ProbeError(status_text(status))
        return status_text(status)

    def close(self) -> None:
        pass


class TcpProbe:
    """Succeeds if the port accepts a connection."""

    def __init__(self, address: str, guard: PortGuard | None = None) -> None:
        from pmtui.monitors.health.http import connect

        self._connect = connect
        self._guard = guard
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)

    async def check(self) -> str:
        transport = await self._connect(CloseOnConnect(), self._host, self._port)
        if self._guard:
            await self._guard.inspect(transport)
        return "connected"

    def close(self) -> None:
        pass


class CloseOnConnect(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class CommandProbe:
    """Succeeds on exit code 0. Everything the command has started is killed with it, at the latest on a timeout."""

    def __init__(self, launch: Launch, supervisor: "Supervisor") -> None:
        self._launch = launch
        self._supervisor = supervisor

    async def check(self) -> str:
        result = await run_helper(HelperProcess(self._supervisor.spawner, self._supervisor.pipe_reader, self._launch))
        if result.error:
            raise ProbeError(result.failure())
        return result.lines[-1] if result.lines else "exit 0"

    def close(self) -> None:
        pass


class LogProbe:
    """Succeeds once a line of the run has matched."""

    def __init__(self, pattern: Pattern, ring: RingBuffer, first: int, run: int | None = None) -> None:
        self._pattern = pattern
        self._run = run
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
        """Search new lines in the thread that read them. Why: later they may have left memory."""
        if self._has_matched:
            return
        end = self._ring.end
        lines = self._ring.raw(self._next, end - self._next)
        self._next = end
        if any(self._run in (None, line.run) and self._pattern.is_in(line.data) for line in lines):
            self._has_matched = True
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._seen.set)


class FileProbe:
    """Succeeds while the file exists."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def check(self) -> str:
        if not self._is_there():
            raise ProbeError(f"{self._path} does not exist")
        return "the file exists"

    def _is_there(self) -> bool:
        return os.path.exists(self._path)

    def close(self) -> None:
        pass


class NotifyProbe:
    """Succeeds from READY=1 on; from the first WATCHDOG=1 on only while they come within `period` seconds."""

    def __init__(
        self, notice: Notice, period: float, stop_timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._notice = notice
        self._period = period
        self._stop_timeout = stop_timeout
        self._clock = clock

    async def check(self) -> str:
        try:
            async with asyncio.timeout(LOG_MATCH_TIMEOUT):
                await self._notice.wait_ready()
        except TimeoutError:
            raise ProbeError("no READY=1 so far") from None
        now, notice = self._clock(), self._notice
        if notice.stopping_at is not None:
            if now - notice.stopping_at > self._stop_timeout:
                raise ProbeError(f"has not ended within {self._stop_timeout:g} s of STOPPING=1")
            return "stopping"
        if notice.alive_at is not None and now - notice.alive_at > self._period:
            raise ProbeError(f"no WATCHDOG=1 for {now - notice.alive_at:.1f} s")
        return notice.status or "ready"

    def close(self) -> None:
        pass


class SilenceProbe:
    """Succeeds if there was output within that many seconds."""

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
    """Describe the error without the addresses that Python adds."""
    if isinstance(error, ssl.SSLError):
        from pmtui.monitors.health.tls import tls_error_text

        return tls_error_text(error)
    if isinstance(error, socket.gaierror):
        return f"the host name cannot be resolved: {error.strerror}"
    several = _ERRNO.search(str(error))  # of addresses that were all tried
    number = error.errno or (int(several[1]) if several else 0)
    return os.strerror(number) if number > 0 else str(error) or "the connection was closed"
