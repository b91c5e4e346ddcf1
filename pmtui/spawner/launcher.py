"""Starts the guardian. Imports little, so that this comes first and the rest is loaded meanwhile."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys

from pmtui.spawner.process_tree import MAX_RUNS

MIN_MARK_BASE = 1 << 60
BOOTSTRAP_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from {}.guardian import main; main(*map(int, sys.argv[2:]))"
)
PACKAGES_DIRECTORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class GuardianLauncher:
    """Starts the guardians of one manager, all with the same base of marks and with the limits of now."""

    def __init__(self) -> None:
        self.base = MIN_MARK_BASE + int.from_bytes(os.urandom(4), "little") * MAX_RUNS
        self._limits = resource.getrlimit(resource.RLIMIT_NOFILE)  # for the workers, whatever the manager raises later
        self._core = resource.getrlimit(resource.RLIMIT_CORE)[0]
        self.received_signals: list[int] = []  # before the manager could act on them
        self._started: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    def capture_signals(self) -> None:
        """Note TERM and INT, even if they were blocked, until the manager can act on them."""
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: self.received_signals.append(number))

    def release_signals(self) -> None:
        """Restore the default handlers of SIGINT and SIGTERM, and raise again what was received."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number in self.received_signals:
            os.kill(os.getpid(), number)

    def prestart(self) -> "GuardianLauncher":
        """Start a guardian ahead of time; the first `start` returns it. If that fails, `start` tries again."""
        with contextlib.suppress(OSError):
            self._started = self.start()
        return self

    def abort(self) -> None:
        """Kill the guardian that was started ahead of time, because no manager is going to run."""
        if self._started:
            guardian, ours = self.start()
            ours.close()
            guardian.kill()
            guardian.wait()

    def start(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Return a guardian and the non-blocking socket to it. Raises OSError if the machine lacks a resource."""
        if self._started:
            started, self._started = self._started, None
            return started
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = (PACKAGES_DIRECTORY, str(theirs.fileno()), str(self.base), str(self._core))
            guardian = subprocess.Popen(
                [os.path.realpath(sys.executable), "-I", "-S", "-c", BOOTSTRAP_CODE.format(__package__), *arguments],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        ours.setblocking(False)
        resource.prlimit(guardian.pid, resource.RLIMIT_NOFILE, self._limits)
        return guardian, ours
