"""Starts a worker on behalf of the guardian; standard library only."""

import contextlib
import fcntl
import os
import resource
import subprocess
import termios
from collections.abc import Callable, Sequence

FIRST_FD = 3
"""The first descriptor behind stdin, stdout and stderr."""


def start_worker(argv: Sequence[str], descriptors: Sequence[int], options: dict[str, object]) -> int:
    """Start a new session and return its leader's pid.

    `descriptors` are stdout and stderr, then stdin if that is a pipe; a single one is a terminal, which becomes the
    controlling one. Listening sockets come last. `options` are those of subprocess.Popen, plus `limits`, `nice` and
    `sockets`, the names of the sockets.
    """
    names: list[str] = options.pop("sockets", [])  # type: ignore[assignment]
    if names:
        sockets = descriptors[-len(names) :]
        with PassedSockets(sockets, names, options) as passed:
            return _start(argv, descriptors[: -len(names)], options, passed)
    return _start(argv, descriptors, options, None)


def _start(
    argv: Sequence[str], descriptors: Sequence[int], options: dict[str, object], passed: "PassedSockets | None"
) -> int:
    limits: list[tuple[int, int]] = options.pop("limits", [])  # type: ignore[assignment]
    nice: int = options.pop("nice", 0)  # type: ignore[assignment]
    terminal = descriptors[0] if len(descriptors) == 1 else None
    if terminal is not None and "user" in options:
        os.fchown(terminal, options["user"], -1)  # type: ignore[arg-type]
    stdin, stdout, stderr = worker_stdio(descriptors)
    worker = subprocess.Popen(  # type: ignore[call-overload]
        argv,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        # Why not always: only without it does Popen use vfork, which takes a fourth of the time.
        preexec_fn=before_exec(limits, nice, terminal is not None, passed),  # safe here: one thread
        **options,
    )
    worker.returncode = 0  # subprocess must never wait for it: the guardian does
    return int(worker.pid)


def worker_stdio(descriptors: Sequence[int]) -> tuple[int, int, int]:
    match descriptors:
        case [terminal]:
            return terminal, terminal, terminal
        case [stdout, stderr]:
            return subprocess.DEVNULL, stdout, stderr
        case _:
            return descriptors[2], descriptors[0], descriptors[1]


class PassedSockets:
    """Listening sockets on their way to descriptors 3, 4, … of a worker, in the protocol of systemd.

    Popen keeps these numbers open for the worker, so here they are occupied until it is started.
    """

    def __init__(self, sockets: Sequence[int], names: Sequence[str], options: dict[str, object]) -> None:
        self._sockets = sockets
        self._targets = range(FIRST_FD, FIRST_FD + len(sockets))
        environment: dict[str, str] = options.pop("env")  # type: ignore[assignment]
        # Why not by Popen: LISTEN_PID is not known before the fork.
        self._environment = environment | {"LISTEN_FDS": str(len(names)), "LISTEN_FDNAMES": ":".join(names)}
        options["pass_fds"] = tuple(self._targets)
        self._sources: list[int] = []
        self._reserved: list[int] = []

    def __enter__(self) -> "PassedSockets":
        try:
            for number in self._targets:
                if not is_open(number):
                    os.dup2(0, number, inheritable=False)
                    self._reserved.append(number)
            for descriptor in self._sockets:
                self._sources.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, self._targets.stop))
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in (*self._reserved, *self._sources):
            os.close(descriptor)

    def place(self) -> None:
        """Run in the child: put the sockets where they belong, and set its environment."""
        for source, target in zip(self._sources, self._targets, strict=True):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(self._environment, LISTEN_PID=str(os.getpid()))


def is_open(descriptor: int) -> bool:
    try:
        fcntl.fcntl(descriptor, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def before_exec(
    limits: Sequence[tuple[int, int]], nice: int, has_terminal: bool, sockets: PassedSockets | None = None
) -> Callable[[], None] | None:
    """Return what the child has to do itself, None if that is nothing."""
    if not (limits or nice or has_terminal or sockets):
        return None

    def prepare() -> None:
        if sockets:
            sockets.place()
        if has_terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for limit, value in limits:
            resource.setrlimit(limit, (value, value))
        os.nice(nice)

    return prepare


def limit_cores(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (size, hard))
