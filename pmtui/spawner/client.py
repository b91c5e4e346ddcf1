"""The manager's side of the guardian: sends it requests, dispatches its reports, and replaces it if it dies."""

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
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from pmtui.spawner.cleanup import EXIT_TIMEOUT, kill_marked, reap_adopted, wait_exit
from pmtui.spawner.guardian import HEADER_BYTES
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.spawner.process_tree import MAX_RUNS, become_subreaper
from pmtui.spawner.procfs import children
from pmtui.spawner.stdio import DEFAULT_SIZE, StdinKind, Stdio, open_stdio

logger = logging.getLogger(__name__)
MAX_PENDING_SPAWNS = 64
"""Spawns without an answer; each holds four file descriptors open."""
CONGESTION_ERRORS = {errno.ETOOMANYREFS, errno.ENOBUFS, errno.ENOMEM}
"""Too many descriptors of this user are in transit between processes, or the kernel is out of memory."""
RESEND_DELAY = 0.05
"""Seconds before a message is sent again after such an error."""
RETRY_DELAY = 1.0
"""Seconds before starting a guardian is tried again."""
FDS_PER_WORKER = 4
"""Descriptors per worker: two pipes and its log files."""
RESERVED_FDS = 128
"""Descriptors for the manager itself, its clients and its imports; at most half of all."""
MIN_RESERVED_FDS = 20
"""With fewer it could not even load its API."""
TRANSIENT_ERRORS = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ETXTBSY}


class Launch(msgspec.Struct, frozen=True):
    """A program to execute. `options` are those of subprocess.Popen, plus `limits`, `nice` and `detached`.

    `detached`: what its first process leaves behind when it exits with 0 is left alone until it is asked to end.
    `sockets` are passed on as descriptors from 3 on, as systemd does; they stay open here.
    """

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    options: Mapping[str, object] = {}
    stdin: StdinKind = "null"
    sockets: Sequence[int] = ()
    socket_names: Sequence[str] = ()
    terminal_size: tuple[int, int] = DEFAULT_SIZE


class WorkerSpawned(msgspec.Struct, frozen=True):
    """The worker runs. The receiver has to close the descriptors.

    `outputs` are the read ends of stdout and stderr, or one of its terminal; `stdin` is where its input is written.
    """

    run: int
    pid: int
    outputs: Sequence[int]
    stdin: int | None = None


class WorkerSpawnFailed(msgspec.Struct, frozen=True):
    """The worker could not be executed. `transient`: the machine lacks a resource for the moment."""

    run: int
    error: str
    transient: bool = False


class WorkerExited(msgspec.Struct, frozen=True):
    """The worker's first process has ended; `code` is negative for a signal."""

    run: int
    code: int


class WorkerTreeExited(msgspec.Struct, frozen=True):
    """No process of the run is left; `killed` are those ("pid name") that had to be killed."""

    run: int
    killed: Sequence[str]


Report = WorkerSpawned | WorkerSpawnFailed | WorkerExited | WorkerTreeExited
Listener = Callable[[Report], None]


class Spawner:
    """Starts workers through a guardian.

    A listener gets WorkerSpawned or WorkerSpawnFailed, then WorkerExited, then WorkerTreeExited, on the loop's thread.
    If the guardian dies, its workers are killed and reported so, and a new guardian takes over.
    """

    def __init__(self, launcher: GuardianLauncher | None = None) -> None:
        self._launcher = launcher or GuardianLauncher()
        self.base = self._launcher.base
        self._listeners: dict[int, Listener] = {}
        self._last_run = 0
        self._waiting: deque[tuple[int, Launch]] = deque()
        self._pending: dict[int, Stdio] = {}
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

    def connect(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._link, self._receive)
        self._flush()

    # requests

    def new_run(self) -> int:
        self._last_run = self._last_run % (MAX_RUNS - 1) + 1
        return self._last_run if self._last_run not in self._listeners else self.new_run()

    def spawn(self, run: int, launch: Launch, listener: Listener) -> None:
        """Ask for a worker. Its reports go to `listener`."""
        self._listeners[run] = listener
        if launch.sockets:  # the originals may be closed before it is their turn
            launch = msgspec.structs.replace(launch, sockets=[os.dup(descriptor) for descriptor in launch.sockets])
        self._waiting.append((run, launch))
        self._spawn_waiting()

    def terminate(self, run: int, number: int) -> None:
        """Ask the run's whole tree to end. What ignores that lives until `kill`."""
        self._send("terminate", run, int(number))

    def kill(self, run: int) -> None:
        self._send("kill", run)

    def signal(self, run: int, number: int) -> None:
        self._send("signal", run, int(number))

    def hold_fd(self, descriptor: int) -> None:
        """Let the guardian keep this file open, so that a lock on it lasts until nothing is left alive."""
        self._hold(("hold",), descriptor)

    def restore_terminal(self, attributes: list[object] | None, descriptor: int) -> None:
        """Let the guardian restore these termios attributes if the manager vanishes; None: leave the terminal alone."""
        self._hold(("terminal", attributes), descriptor)

    def kill_guardian(self) -> None:
        """Kill the guardian and with it all workers: the last resort if it does not answer."""
        self._guardian.kill()

    def reap_orphans(self) -> None:
        """Reap zombies as PID 1, which adopts every orphan of its namespace."""
        for pid in children(os.getpid()):
            if pid != self._guardian.pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    async def close(self) -> None:
        """Release the guardian, and wait until it has ended everything below it and itself."""
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
            logger.warning("the guardian (pid %d) waits for processes that cannot be killed", self._guardian.pid)

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
                stdio = open_stdio(launch.stdin, launch.terminal_size)
            except OSError as error:
                failed = WorkerSpawnFailed(
                    run, f"no {'terminal' if launch.stdin == 'terminal' else 'pipes'}: {error.strerror}", transient=True
                )
                for descriptor in launch.sockets:
                    os.close(descriptor)
                self._loop.call_soon(self._report, failed)
                continue
            self._pending[run] = stdio
            options = dict(launch.options) | ({"sockets": list(launch.socket_names)} if launch.sockets else {})
            descriptors = [*stdio.theirs, *launch.sockets]
            arguments = list(launch.argv), launch.cwd, dict(launch.env), options, len(descriptors)
            self._send("spawn", run, *arguments, descriptors=descriptors)

    # the socket

    def _send(self, *message: object, descriptors: Sequence[int] = ()) -> None:
        """Send the message and the descriptors, which are then closed."""
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
            except OSError as error:
                # Any other error means that the guardian is gone, which _receive is about to notice.
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

    def _handle_message(self, verb: str, *arguments: Any) -> None:
        match verb, arguments:
            case "spawned", (run, pid):
                self._alive.add(run)
                stdio = self._pending.pop(run)
                self._report(WorkerSpawned(run, pid, stdio.outputs, stdio.stdin))
            case "failed", (run, number, path, text):
                self._pending.pop(run).close()
                error = explain_spawn_error(number, path, text)
                self._report(WorkerSpawnFailed(run, error, number in TRANSIENT_ERRORS))
            case "exited", (run, code):
                self._report(WorkerExited(run, code))
            case "empty", (run, killed):
                self._alive.discard(run)
                self._report(WorkerTreeExited(run, killed))
            case "fault", (text,):
                logger.warning("guardian: %s", text)

    def _report(self, report: Report) -> None:
        is_last = isinstance(report, WorkerSpawnFailed | WorkerTreeExited)
        listener = self._listeners.pop(report.run) if is_last else self._listeners[report.run]
        listener(report)

    # the guardian's death

    def _on_guardian_lost(self) -> None:
        self._loop.remove_reader(self._link)
        self._loop.remove_writer(self._link)
        self._link.close()
        self._incoming.clear()
        self._replacement = self._loop.create_task(self._replace_guardian())

    async def _restart_guardian(self) -> None:
        reported = ""
        while True:
            try:
                return self._start()
            except OSError as error:
                if (reason := error.strerror or str(error)) != reported:
                    logger.warning("no new guardian: %s (retrying every %.0f s)", reason, RETRY_DELAY)
                    reported = reason
            await asyncio.sleep(RETRY_DELAY)

    def _drop_outgoing(self) -> None:
        for _, descriptors in self._outgoing:
            for descriptor in descriptors:
                os.close(descriptor)
        self._outgoing.clear()

    async def _replace_guardian(self) -> None:
        """Kill all workers, which are now children of the manager, and report them when a new guardian is there."""
        logger.warning("the guardian (pid %d) died; killing and restarting its processes", self._guardian.pid)
        await wait_exit(self._guardian)
        for pid in await kill_marked(self.base):
            logger.warning("pid %d cannot be killed", pid)
        reap_adopted()
        self._drop_outgoing()  # these requests are about runs that are gone
        pending, self._pending = self._pending, {}
        alive, self._alive = self._alive, set()
        await self._restart_guardian()
        self._loop.add_reader(self._link, self._receive)
        for message, descriptor in self._held:
            self._send(*message, descriptors=[os.dup(descriptor)])
        for run, stdio in pending.items():
            stdio.close()
            self._report(WorkerSpawnFailed(run, "the guardian died", transient=True))
        for run in alive:
            self._report(WorkerExited(run, -signal.SIGKILL))
            self._report(WorkerTreeExited(run, []))
        self._spawn_waiting()


def explain_spawn_error(number: int, path: str, text: str) -> str:
    first = first_line(path) if number == errno.ENOENT else b""
    if first.startswith(b"#!"):
        interpreter = first[2:].decode(errors="replace").strip()
        if first.endswith(b"\r\n"):
            return f"{path} has CR LF line endings, so its interpreter {interpreter!r} is not found; save it with LF"
        return f"{path} names an interpreter that does not exist: {interpreter!r}"
    if number == errno.ENOEXEC:
        return f"{path} is neither a program nor a script; add a first line such as #!/bin/sh"
    return f"{text}: {path}" if path else text


def first_line(path: str) -> bytes:
    """Return the beginning of a file; nothing if it cannot be read, or is gone by now."""
    try:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return file.readline(256)
    except OSError:
        pass
    return b""


def check_fd_budget(workers: int) -> None:
    """Raise OSError if one more worker would take descriptors that the manager itself needs."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if (workers + 1) * FDS_PER_WORKER > limit - min(RESERVED_FDS, max(limit // 2, MIN_RESERVED_FDS)):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
