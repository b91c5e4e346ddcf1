"""The manager's side of the guardian: starts it, sends it requests, hands its reports on, replaces it when it dies."""

import array
import asyncio
import contextlib
import errno
import logging
import marshal
import os
import resource
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from pmtui.spawner.guardian import HEADER_BYTES
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.spawner.process_tree import (
    become_subreaper,
    children,
    descendants,
    is_alive,
    marked_processes,
    parent_of,
    send_signal,
)

logger = logging.getLogger(__name__)
EXIT_TIMEOUT = 10.0
MAX_PENDING_SPAWNS = 64
"""Spawns asked for and not yet answered; each holds four file descriptors open."""
CONGESTION_ERRORS = {errno.ETOOMANYREFS, errno.ENOBUFS, errno.ENOMEM}
"""Too many descriptors of this user are on their way between any of his processes; or the kernel has no memory."""
RESEND_DELAY = 0.05
"""Seconds until they are sent again."""
RETRY_DELAY = 1.0
"""Seconds until a guardian is tried again where the machine had none to give."""
FDS_PER_WORKER = 4
"""Descriptors that a worker costs: two pipes and the files of its log."""
RESERVED_FDS = 128
"""Descriptors for the manager itself, its clients and what it loads; where there are few, half of them."""
MIN_RESERVED_FDS = 20
"""Without so many it cannot even load its API."""
TRANSIENT_ERRORS = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ETXTBSY}


class Launch(msgspec.Struct, frozen=True):
    """What is to be executed. `options` are those of subprocess.Popen, and `limits` and `nice`."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    options: Mapping[str, object] = {}


class WorkerSpawned(msgspec.Struct, frozen=True):
    """The worker executes; `stdout` and `stderr` are the read ends of its pipes, now the receiver's to close."""

    run: int
    pid: int
    stdout: int
    stderr: int


class WorkerSpawnFailed(msgspec.Struct, frozen=True):
    """The worker could not be executed. `scarce`: not its fault, the machine lacks a resource for the moment."""

    run: int
    error: str
    transient: bool = False


class WorkerExited(msgspec.Struct, frozen=True):
    """The worker's first process has ended: its exit code, or the signal as a negative number."""

    run: int
    code: int


class WorkerTreeExited(msgspec.Struct, frozen=True):
    """Nothing of the run is left; `killed` are those ("pid name") that did not end by themselves."""

    run: int
    killed: Sequence[str]


Report = WorkerSpawned | WorkerSpawnFailed | WorkerExited | WorkerTreeExited


class Spawner:
    """Starts workers through the guardian, one that `boot` has started already or a new one.

    Reports of runs come to the listener on the loop's thread: Spawned or SpawnFailed, then Exited, then Emptied.
    When the guardian dies all its workers are ended, reported as killed, and a new guardian takes over.
    """

    def __init__(self, boot: GuardianLauncher | None = None) -> None:
        self._launcher = boot or GuardianLauncher()
        self.base = self._launcher.base
        self._waiting: deque[tuple[int, Launch]] = deque()
        self._pending: dict[int, tuple[int, int]] = {}
        self._alive: set[int] = set()
        self._outgoing: deque[tuple[bytes, Sequence[int]]] = deque()
        self._incoming = bytearray()
        self._held: list[tuple[tuple[object, ...], int]] = []
        self._replacement: asyncio.Task[None] | None = None
        become_subreaper()
        self._start()

    def _start(self) -> None:
        self._guardian, self._link = self._launcher.start()

    @property
    def guardian_pid(self) -> int:
        return self._guardian.pid

    def connect(self, listener: Callable[[Report], None]) -> None:
        """Pass reports to `listener`, on the running loop."""
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._link, self._receive)
        self._flush()

    # requests

    def spawn(self, run: int, launch: Launch) -> None:
        """Asks for a worker; `run` is a new number below RUNS, by which it is known from now on."""
        self._waiting.append((run, launch))
        self._spawn_waiting()

    def terminate(self, run: int, number: int) -> None:
        """Asks the run's whole tree to end; what is left of it lives until `kill`."""
        self._send("terminate", run, int(number))

    def kill(self, run: int) -> None:
        """Ends the run's whole tree."""
        self._send("kill", run)

    def signal(self, run: int, number: int) -> None:
        """Signals the worker's first process."""
        self._send("signal", run, int(number))

    def hold_fd(self, descriptor: int) -> None:
        """The guardian keeps this file open, so that a lock on it lasts until nothing is left alive."""
        self._hold(("hold",), descriptor)

    def restore_terminal(self, attributes: list[object] | None, descriptor: int) -> None:
        """Should the manager vanish, the terminal gets these attributes (as of termios) back; None: nothing is done."""
        self._hold(("terminal", attributes), descriptor)

    def kill_guardian(self) -> None:
        """The last resort where the guardian does not answer: it dies, and all its workers with it."""
        self._guardian.kill()

    def reap_orphans(self) -> None:
        """For PID 1, whose child everything becomes that loses its parent."""
        for pid in children(os.getpid()):
            if pid != self._guardian.pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    async def close(self) -> None:
        """Lets the guardian go, and returns when it has ended what is left and itself."""
        if self._replacement:
            await self._replacement
        self._loop.remove_reader(self._link)
        self._loop.remove_writer(self._link)
        self._link.close()
        for _, descriptor in self._held:
            os.close(descriptor)
        try:
            async with asyncio.timeout(EXIT_TIMEOUT):
                await wait_exit(self._guardian)
        except TimeoutError:
            logger.warning("what the guardian (pid %d) still waits for cannot be ended", self._guardian.pid)

    def _hold(self, message: tuple[object, ...], descriptor: int) -> None:
        for kept in [kept for kept in self._held if kept[0][0] == message[0]]:
            self._held.remove(kept)
            os.close(kept[1])
        self._held.append((message, os.dup(descriptor)))
        self._send(*message, descriptors=[os.dup(descriptor)])

    def _spawn_waiting(self) -> None:
        while self._waiting and len(self._pending) < MAX_PENDING_SPAWNS:
            run, launch = self._waiting.popleft()
            try:
                check_fd_budget(len(self._alive) + len(self._pending))
                stdout, out, stderr, err = open_pipes()
            except OSError as error:
                self._loop.call_soon(
                    self._listener, WorkerSpawnFailed(run, f"no pipes: {error.strerror}", transient=True)
                )
                continue
            self._pending[run] = stdout, stderr
            words = list(launch.argv), launch.cwd, dict(launch.env), dict(launch.options)
            self._send("spawn", run, *words, descriptors=(out, err))

    # the socket

    def _send(self, *message: object, descriptors: Sequence[int] = ()) -> None:
        """Sends the message, and the descriptors with it, which it then closes."""
        body = marshal.dumps(message)  # type: ignore[arg-type]
        self._outgoing.append((len(body).to_bytes(HEADER_BYTES, "little") + body, descriptors))
        if len(self._outgoing) == 1:
            self._flush()

    def _flush(self) -> None:
        while self._outgoing:
            data, descriptors = self._outgoing[0]
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
            try:
                sent = self._link.sendmsg([data], ancillary)
            except BlockingIOError:
                self._loop.add_writer(self._link, self._flush)
                return
            except OSError as error:  # else the guardian is gone, which _receive is about to notice
                if error.errno in CONGESTION_ERRORS:
                    self._loop.call_later(RESEND_DELAY, self._flush_again, self._link)
                return
            for descriptor in descriptors:
                os.close(descriptor)
            if sent < len(data):
                self._outgoing[0] = data[sent:], ()
            else:
                self._outgoing.popleft()
        self._loop.remove_writer(self._link)

    def _flush_again(self, link: socket.socket) -> None:
        if link is self._link and link.fileno() >= 0:
            self._flush()

    def _receive(self) -> None:
        try:
            data = self._link.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._on_guardian_lost()
            return
        self._incoming += data
        while len(self._incoming) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(self._incoming[:HEADER_BYTES], "little")
            if len(self._incoming) < end:
                break
            message = marshal.loads(self._incoming[HEADER_BYTES:end])
            del self._incoming[:end]
            self._handle_message(*message)
        self._spawn_waiting()

    def _handle_message(self, verb: str, *words: Any) -> None:
        match verb, words:
            case "spawned", (run, pid):
                self._alive.add(run)
                self._listener(WorkerSpawned(run, pid, *self._pending.pop(run)))
            case "failed", (run, number, path, text):
                for end in self._pending.pop(run):
                    os.close(end)
                self._listener(
                    WorkerSpawnFailed(run, explain_spawn_error(number, path, text), number in TRANSIENT_ERRORS)
                )
            case "exited", (run, code):
                self._listener(WorkerExited(run, code))
            case "empty", (run, killed):
                self._alive.discard(run)
                self._listener(WorkerTreeExited(run, killed))
            case "fault", (text,):
                logger.warning("guardian: %s", text)

    # the guardian's death

    def _on_guardian_lost(self) -> None:
        self._loop.remove_reader(self._link)
        self._loop.remove_writer(self._link)
        self._link.close()
        self._incoming.clear()
        self._replacement = self._loop.create_task(self._replace_guardian())

    async def _restart_guardian(self) -> None:
        """A new guardian, as soon as the machine can give one."""
        told = ""
        while True:
            try:
                return self._start()
            except OSError as error:
                if (news := f"no new guardian: {error.strerror} (tried again every {RETRY_DELAY:.0f} s)") != told:
                    logger.warning("%s", news)
                    told = news
            await asyncio.sleep(RETRY_DELAY)

    def _drop_outgoing(self) -> None:
        for _, descriptors in self._outgoing:
            for descriptor in descriptors:
                os.close(descriptor)
        self._outgoing.clear()

    async def _replace_guardian(self) -> None:
        """All workers are now children of the manager: ends them, starts a new guardian, reports them as killed."""
        logger.warning("the guardian (pid %d) has died: its workers are ended and started again", self._guardian.pid)
        await wait_exit(self._guardian)
        for pid in await kill_marked(self.base):
            logger.warning("pid %d cannot be ended", pid)
        reap_adopted()
        self._drop_outgoing()  # what was asked meanwhile is about runs that are gone
        flying, self._pending = self._pending, {}
        living, self._alive = self._alive, set()
        await self._restart_guardian()
        self._loop.add_reader(self._link, self._receive)
        for message, descriptor in self._held:
            self._send(*message, descriptors=[os.dup(descriptor)])
        for run, ends in flying.items():
            for end in ends:
                os.close(end)
            self._listener(WorkerSpawnFailed(run, "the guardian died", transient=True))
        for run in living:
            self._listener(WorkerExited(run, -signal.SIGKILL))
            self._listener(WorkerTreeExited(run, []))
        self._spawn_waiting()


def explain_spawn_error(number: int, path: str, text: str) -> str:
    """Why a program could not be executed, in words that name what is missing."""
    if number == errno.ENOENT and os.path.isfile(path):
        with open(path, "rb") as file:
            first = file.readline(256)
        if first.startswith(b"#!"):
            interpreter = first[2:].decode(errors="replace").strip()
            if first.endswith(b"\r\n"):
                return (
                    f"{path} has lines that end with CR LF, and its interpreter is not {interpreter!r}: save it with LF"
                )
            return f"{path} names an interpreter that does not exist: {interpreter!r}"
    if number == errno.ENOEXEC:
        return f"{path} is neither a program nor a script with a first line such as #!/bin/sh"
    return f"{text}: {path}" if path else text


def check_fd_budget(workers: int) -> None:
    """Raises OSError where one more worker would take descriptors that the manager itself cannot do without."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if (workers + 1) * FDS_PER_WORKER > limit - min(RESERVED_FDS, max(limit // 2, MIN_RESERVED_FDS)):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def open_pipes() -> tuple[int, int, int, int]:
    """Read end, write end, read end, write end; the read ends do not block. Leaves nothing open when it fails."""
    ends = list(os.pipe())
    try:
        ends += os.pipe()
    except OSError:
        for end in ends:
            os.close(end)
        raise
    for end in ends[::2]:
        os.set_blocking(end, False)
    return ends[0], ends[1], ends[2], ends[3]


async def kill_marked(base: int) -> Sequence[int]:
    """Ends every process that carries a mark of that base; those that could not be ended in PATIENCE seconds."""
    loop, seen = asyncio.get_running_loop(), set[int]()
    deadline = loop.time() + EXIT_TIMEOUT
    while (found := [pid for pid, _ in marked_processes(base) if is_alive(pid)]) and loop.time() < deadline:
        seen.update(found)
        for pid in descendants(found):
            send_signal(pid, signal.SIGKILL, lambda pid: pid in found or parent_of(pid) in seen)
        await asyncio.sleep(0.002)
    return found


def reap_adopted() -> None:
    """Reaps what has become this process's child because its parent ended: it has a session of its own."""
    for pid in children(os.getpid()):
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            if os.getsid(pid) != os.getsid(0) and not is_alive(pid):
                os.waitpid(pid, os.WNOHANG)


async def wait_exit(process: subprocess.Popen[bytes]) -> None:
    """Returns when the process has ended, and reaps it."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    handle = os.pidfd_open(process.pid)
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
    process.poll()
