"""Starts a worker on behalf of the guardian; standard library only."""

import contextlib
import fcntl
import os
import resource
import subprocess
import termios
from collections.abc import Callable, Sequence


def start_worker(argv: Sequence[str], descriptors: Sequence[int], options: dict[str, object]) -> int:
    """Start a session of its own and return its leader's pid.

    `descriptors` are stdout and stderr, then stdin if that is a pipe; a single one is a terminal, which becomes the
    controlling one. `options` are those of subprocess.Popen, plus `limits` and `nice`.
    """
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
        preexec_fn=before_exec(limits, nice, terminal is not None),  # safe here: one thread
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


def before_exec(limits: Sequence[tuple[int, int]], nice: int, has_terminal: bool) -> Callable[[], None] | None:
    """Return what the child has to do itself, None if that is nothing."""
    if not (limits or nice or has_terminal):
        return None

    def prepare() -> None:
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
