"""The guardian: the small process that is the parent of every worker, reaps them all and outlives the manager.

`launcher.py` starts it as a separate program. It uses the standard library and one thread, so nothing that goes wrong
in the manager can stop it. When the socket to the manager closes, however the manager died, it ends every process below
it, and exits only when the kernel reports that there are none.

Messages are marshalled tuples after their length (4 bytes); file descriptors are sent with them:

    to the guardian     ("spawn", run, argv, cwd, env, options, number of descriptors) + what is stdin, stdout, stderr,
                                and then the listening sockets
                        ("terminate", run, signal)   0: nothing is sent, but what outlives the leader is left
                        ("signal", run, signal)   ("kill", run)   ("hold",) + a file to keep open
                        ("terminal", attributes or None) + the terminal to restore if the manager vanishes
    to the manager      ("spawned", run, pid)   ("failed", run, errno, path, text)   ("fault", text)
                        ("exited", run, code)   ("empty", run, killed)   code: as of wait, negative for a signal
"""

import ctypes
import marshal
import math
import os
import resource
import select
import signal
import socket
import subprocess
import termios
import time
from collections.abc import Callable

from pmtui.spawner.process_tree import (
    become_subreaper,
    descendants,
    group_of,
    is_descendant,
    send_signal,
    signal_group,
)
from pmtui.spawner.procfs import name_of, read_stat
from pmtui.spawner.run_table import RunTable, WorkerRun
from pmtui.spawner.terminal_file import write_without_waiting
from pmtui.spawner.worker import limit_cores, start_worker

PR_SET_NAME = 15
KILL_DELAY = 1.0
"""Seconds between TERM and KILL after the manager is gone."""
CHECK_INTERVAL = 0.05
"""Seconds between checks of runs whose processes are slow to end."""
REAP_BATCH_SIZE = 1000
"""Children reaped in a row, so that a fork bomb cannot monopolize the guardian."""
SANE_TERMINAL = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"  # no mouse reports
    b"\x1b[?1004l\x1b[?2004l\x1b[<u"  # no focus and paste reports, the usual keys
    b"\x1b[?1049l\x1b[?25h\x1b[0m\r\n"  # the main screen, the cursor, plain text
)
FAULT_SIGNALS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
HEADER_BYTES = 4
MAX_MESSAGE_FDS = 253


class Guardian:
    """Spawns, signals and reaps for the manager, until the manager's end of the socket is closed."""

    def __init__(self, link: socket.socket, base: int, core: int) -> None:
        self.link = link
        self.base = base
        self.core = core
        self.hard_limit = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
        self.runs = RunTable(base)
        self.ending: set[WorkerRun] = set()
        self.scan_is_due = False
        self.held_fds: list[int] = []
        self.saved_terminal: tuple[int, list[int | list[bytes | int]]] | None = None
        self.incoming = bytearray()
        self.descriptors: list[int] = []
        self.wake, self.woken = socket.socketpair()
        self.wake.setblocking(False)
        self.woken.setblocking(False)
        signal.set_wakeup_fd(self.woken.fileno(), warn_on_full_buffer=False)
        self.handlers: dict[str, Callable[..., None]] = {
            "spawn": self.spawn,
            "terminate": self.terminate,
            "signal": self.signal_leader,
            "kill": self.kill,
            "hold": self.hold_fd,
            "terminal": self.remember_terminal,
        }

    # the loop

    def serve(self) -> None:
        """Return when the manager and every process below this one are gone."""
        poll = select.poll()
        poll.register(self.link, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poll.poll(self.poll_timeout())}
                self.drain_wakeup()
                if self.link.fileno() in ready and not self.receive():
                    break
                self.report_finished_runs()
        except ConnectionError:
            pass
        self.restore_terminal()
        self.kill_remaining()

    def poll_timeout(self) -> float | None:
        """Return milliseconds until something has to be done, None if only on request or when a child ends."""
        if not self.ending:
            return None
        delay = self.runs.scan_delay()
        return math.ceil((delay if self.scan_is_due else max(delay, CHECK_INTERVAL)) * 1000)

    def drain_wakeup(self) -> None:
        try:
            while self.wake.recv(4096):
                pass
        except BlockingIOError:
            pass

    def receive(self) -> bool:
        """Handle what the manager has sent. Return False when it has closed the socket."""
        data, descriptors, _, _ = socket.recv_fds(self.link, 1 << 16, MAX_MESSAGE_FDS)
        self.descriptors += descriptors
        self.incoming += data
        while len(self.incoming) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(self.incoming[:HEADER_BYTES], "little")
            if len(self.incoming) < end:
                break
            verb, *arguments = marshal.loads(self.incoming[HEADER_BYTES:end])
            del self.incoming[:end]
            self.handle_message(verb, arguments)
        return bool(data)

    def handle_message(self, verb: str, arguments: list[object]) -> None:
        try:
            self.handlers[verb](*arguments)
        except ConnectionError:
            raise
        except Exception as error:  # one bad message must not cost the other workers their guardian
            self.send("fault", f"{verb}: {type(error).__name__}: {error}")

    def send(self, *message: str | int | list[str]) -> None:
        body = marshal.dumps(message)
        self.link.sendall(len(body).to_bytes(HEADER_BYTES, "little") + body)

    # requests

    def spawn(
        self, number: int, argv: list[str], cwd: str, env: dict[str, str], options: dict[str, object], count: int
    ) -> None:
        given, self.descriptors = self.descriptors[:count], self.descriptors[count:]
        is_detached = bool(options.pop("detached", False))
        has_terminal = count - len(options.get("sockets", ())) == 1  # type: ignore[arg-type]
        try:
            leader = self.start(number, argv, given, {"cwd": cwd, "env": env, **options})
        except subprocess.SubprocessError:  # something failed between fork and exec
            self.send("failed", number, 0, "", "the limits or the nice value are higher than allowed")
        except OSError as error:
            self.send("failed", number, error.errno or 0, error.filename or "", error.strerror or str(error))
        except Exception as error:  # also ValueError, TypeError, IndexError, UnicodeEncodeError …
            self.send("failed", number, 0, "", f"{type(error).__name__}: {error}")
        else:
            terminal = given.pop(0) if has_terminal else None
            self.runs.add(WorkerRun(number, leader, terminal, is_detached))
            self.send("spawned", number, leader)
        finally:
            for descriptor in given:
                os.close(descriptor)

    def start(self, number: int, argv: list[str], descriptors: list[int], options: dict[str, object]) -> int:
        self.set_mark(number)
        try:
            return start_worker(argv, descriptors, options)
        finally:
            self.set_mark(0)

    def set_mark(self, number: int) -> None:
        """Set the run mark that the next child inherits. Does nothing if RLIMIT_RTTIME is capped.

        0 is the guardian's own. It holds the environments of all workers, and must not leave them in a core file.
        """
        if self.hard_limit == resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_RTTIME, (self.base + number, self.hard_limit))
        limit_cores(self.core if number else 0)

    def terminate(self, number: int, wanted: int) -> None:
        """Ask the whole tree to end. CONT wakes stopped processes, so that they get the signal."""
        if run := self.runs.get(number):
            run.terminating = True
            self.watch_end(run)
            if wanted:
                self.signal_tree(run, wanted, signal.SIGCONT)

    def watch_end(self, run: WorkerRun) -> None:
        """Report the run as empty once nothing of it is left."""
        if run.ended:
            self.ending.add(run)

    def kill(self, number: int) -> None:
        if run := self.runs.get(number):
            run.terminating = False
            self.watch_end(run)
            leader = [] if run.ended else [run.leader]
            run.killed += [f"{pid} {name_of(pid)}" for pid in leader + self.runs.members(run)]
            self.signal_tree(run, signal.SIGKILL)

    def signal_leader(self, number: int, wanted: int) -> None:
        run = self.runs.get(number)
        if run and not run.ended:  # it is unreaped, so the pid is still its own
            os.kill(run.leader, wanted)

    def hold_fd(self) -> None:
        self.held_fds.append(self.descriptors.pop(0))

    def remember_terminal(self, attributes: list[int | list[bytes | int]] | None) -> None:
        terminal = self.descriptors.pop(0)
        if self.saved_terminal:
            os.close(self.saved_terminal[0])
        self.saved_terminal = (terminal, attributes) if attributes else None

    # endings

    def report_finished_runs(self) -> None:
        """Reap, kill what ended workers have left behind, and report both to the manager."""
        self.reap()
        self.scan_is_due = bool(self.ending) and self.runs.scan_delay() > 0
        if not self.ending or self.scan_is_due:
            return
        remaining = self.runs.scan()
        for run in [*self.ending]:
            if run not in remaining:
                self.ending.discard(run)
                self.runs.remove(run)
                self.send("empty", run.number, run.killed)
            elif run.terminal is not None and run.hung_up_at is None:
                run.hung_up_at = time.monotonic()
                self.signal_tree(run, signal.SIGHUP, signal.SIGCONT)
            elif run.may_be_killed(time.monotonic()):
                self.signal_tree(run, signal.SIGKILL)

    def reap(self) -> None:
        for _ in range(REAP_BATCH_SIZE):
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            run = self.runs.take_leader(ended.si_pid)
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            stays = run and run.is_detached and code == 0 and not run.terminating
            if run and not (run.terminating or run.terminal is not None or stays):
                signal_group(run.leader, signal.SIGKILL)  # while the leader is unreaped, its group id cannot be reused
            os.waitpid(ended.si_pid, 0)
            if run:
                run.ended = True
                if not stays:
                    self.ending.add(run)
                self.send("exited", run.number, code)

    def signal_tree(self, run: WorkerRun, *numbers: int) -> None:
        """Signal the leader's group, and one by one the processes that have left it."""
        scattered = [pid for pid in self.runs.members(run) if run.ended or group_of(pid) != run.leader]
        for number in numbers:
            if not run.ended:
                signal_group(run.leader, number)  # the leader is unreaped, so its group id is not reused
            for pid in scattered:
                send_signal(pid, number, is_descendant)

    def kill_remaining(self) -> None:
        """Send TERM, wait, and send KILL until this process has no child left."""
        for number in (signal.SIGTERM, signal.SIGCONT):
            for pid in descendants([os.getpid()])[1:]:
                send_signal(pid, number, is_descendant)
        deadline = time.monotonic() + KILL_DELAY
        while self.has_children():
            if time.monotonic() > deadline:
                for pid in descendants([os.getpid()])[1:]:
                    send_signal(pid, signal.SIGKILL, is_descendant)
            select.select([self.wake], [], [], 0.01)
            self.drain_wakeup()

    def has_children(self) -> bool:
        """Reap. Only the kernel's ECHILD proves that nothing is left."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:  # the exit codes do not matter any more
                pass
        except ChildProcessError:
            return False
        return True

    def restore_terminal(self) -> None:
        if self.saved_terminal:
            terminal, attributes = self.saved_terminal
            try:
                termios.tcsetattr(terminal, termios.TCSANOW, attributes)
                write_without_waiting(terminal, SANE_TERMINAL)
            except (OSError, termios.error):  # it is gone, too
                pass


def set_process_title(title: bytes) -> None:
    """Replace the command line, which may contain a name for which `pkill -f` is used."""
    stat = read_stat(os.getpid())
    assert stat
    start, end = stat.arguments
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(title[: end - start - 1].ljust(end - start, b"\0"))
    ctypes.CDLL(None).prctl(PR_SET_NAME, title[:15], 0, 0, 0)


def main(link: int, base: int, core: int) -> None:
    """Serve the manager at the other end of the socket `link`.

    Runs are marked with `base` plus their number, and may leave core files of `core` bytes.
    """
    set_process_title(b"guardian of %d" % os.getppid())  # before there is any worker
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, *FAULT_SIGNALS}:
        signal.signal(number, lambda *_: None)  # a handler, not SIG_IGN, which the workers would inherit
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    become_subreaper()
    guardian = Guardian(socket.socket(fileno=link), base, core)
    if guardian.hard_limit != resource.RLIM_INFINITY:
        guardian.send("fault", "RLIMIT_RTTIME is capped: daemons that leave their session end only with the manager")
    guardian.set_mark(0)
    guardian.serve()
