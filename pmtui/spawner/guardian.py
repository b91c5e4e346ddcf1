"""The guardian: the small process that is the parent of every worker, reaps them all, and outlives the manager.

It runs as a program of its own, started by `client.py`, on the standard library and one thread, so that nothing that
goes wrong in the manager can stop it. When the socket to the manager ends, however the manager died, it ends every
process below it and leaves only when the kernel says that there are none.

Messages are marshalled tuples behind their length (4 bytes), file descriptors travel beside them:

    to the guardian     ("spawn", run, argv, cwd, env, options) + stdout, stderr   ("terminate", run, signal)
                        ("signal", run, signal)   ("kill", run)   ("hold",) + a file to keep open while it lives
                        ("terminal", attributes or None) + the terminal to restore should the manager vanish
    to the manager      ("spawned", run, pid)   ("failed", run, errno, path, text)   ("fault", text)
                        ("exited", run, code)   ("empty", run, killed)   code: as of wait, negative for a signal
"""

import contextlib
import ctypes
import marshal
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
    children,
    descendants,
    group_of,
    is_descendant,
    mark_of,
    name_of,
    send_signal,
    signal_group,
    start_ticks,
)

PR_SET_NAME = 15
KILL_DELAY = 1.0
"""Seconds between TERM and KILL once the manager is gone."""
CHECK_INTERVAL = 0.05
"""Seconds after which runs that do not come to an end are looked at again without being told."""
REAP_BATCH_SIZE = 1000
"""Children reaped before others are served, so that a fork bomb does not keep the guardian for itself."""
SANE_TERMINAL = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"  # no mouse reports
    b"\x1b[?1004l\x1b[?2004l\x1b[<u"  # no focus and paste reports, the usual keys
    b"\x1b[?1049l\x1b[?25h\x1b[0m\r\n"  # the main screen, the cursor, plain text
)
FAULT_SIGNALS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
HEADER_BYTES = 4
MAX_MESSAGE_FDS = 253


class WorkerRun:
    """One worker: its first process, the leader of its own session, and what is known of its end."""

    __slots__ = ("ended", "killed", "leader", "number", "seen", "terminating")

    def __init__(self, number: int, leader: int) -> None:
        self.number = number
        self.leader = leader
        self.ended = False  # the leader is reaped
        self.terminating = False  # it was asked to end: what outlives the leader has time until it is killed
        self.seen: set[tuple[int, int]] = set()  # pid and birth of those that were seen below the leader
        self.killed: list[str] = []  # "pid name" of what was there when it was killed


class Guardian:
    """Spawns, signals and reaps what the manager asks for, until the manager's end of the socket is closed."""

    def __init__(self, link: socket.socket, base: int, core: int) -> None:
        self.link = link
        self.base = base
        self.core = core
        self.hard_limit = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
        self.runs: dict[int, WorkerRun] = {}
        self.leaders: dict[int, WorkerRun] = {}
        self.ending: set[WorkerRun] = set()
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
        """Returns when the manager is gone and so is everything below this process."""
        poll = select.poll()
        poll.register(self.link, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poll.poll(CHECK_INTERVAL * 1000 if self.ending else None)}
                self.drain_wakeup()
                if self.link.fileno() in ready and not self.receive():
                    break
                self.report_finished_runs()
        except ConnectionError:
            pass
        self.restore_terminal()
        self.kill_remaining()

    def drain_wakeup(self) -> None:
        try:
            while self.wake.recv(4096):
                pass
        except BlockingIOError:
            pass

    def receive(self) -> bool:
        """Takes what the manager has sent; False at its end."""
        data, descriptors, _, _ = socket.recv_fds(self.link, 1 << 16, MAX_MESSAGE_FDS)
        self.descriptors += descriptors
        self.incoming += data
        while len(self.incoming) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(self.incoming[:HEADER_BYTES], "little")
            if len(self.incoming) < end:
                break
            verb, *words = marshal.loads(self.incoming[HEADER_BYTES:end])
            del self.incoming[:end]
            self.handle_message(verb, words)
        return bool(data)

    def handle_message(self, verb: str, words: list[object]) -> None:
        try:
            self.handlers[verb](*words)
        except ConnectionError:
            raise
        except Exception as error:  # whatever is wrong with one message, the other workers keep their guardian
            self.send("fault", f"{verb}: {type(error).__name__}: {error}")

    def send(self, *message: str | int | list[str]) -> None:
        body = marshal.dumps(message)
        self.link.sendall(len(body).to_bytes(HEADER_BYTES, "little") + body)

    # what the manager asks for

    def spawn(self, number: int, argv: list[str], cwd: str, env: dict[str, str], options: dict[str, object]) -> None:
        outputs = self.descriptors.pop(0), self.descriptors.pop(0)
        try:
            leader = self.start(number, argv, outputs, {"cwd": cwd, "env": env, **options})
        except subprocess.SubprocessError:  # raised for whatever goes wrong between fork and exec
            self.send("failed", number, 0, "", "the limits or the nice value are above what is allowed")
        except OSError as error:
            self.send("failed", number, error.errno or 0, error.filename or "", error.strerror or str(error))
        except Exception as error:  # also ValueError, TypeError, IndexError, UnicodeEncodeError …
            self.send("failed", number, 0, "", f"{type(error).__name__}: {error}")
        else:
            self.runs[number] = self.leaders[leader] = WorkerRun(number, leader)
            self.send("spawned", number, leader)
        finally:
            for descriptor in outputs:
                os.close(descriptor)

    def start(self, number: int, argv: list[str], outputs: tuple[int, int], options: dict[str, object]) -> int:
        limits: list[tuple[int, int]] = options.pop("limits", [])  # type: ignore[assignment]
        nice: int = options.pop("nice", 0)  # type: ignore[assignment]

        def restrict() -> None:
            for limit, value in limits:
                resource.setrlimit(limit, (value, value))
            os.nice(nice)

        self.set_mark(number)
        try:
            worker = subprocess.Popen(  # type: ignore[call-overload]
                argv,
                stdin=subprocess.DEVNULL,
                stdout=outputs[0],
                stderr=outputs[1],
                start_new_session=True,
                preexec_fn=restrict if limits or nice else None,  # safe here: one thread
                **options,
            )
        finally:
            self.set_mark(0)
        worker.returncode = 0  # the module must never wait for it: the guardian does
        return int(worker.pid)

    def set_mark(self, number: int) -> None:
        """Puts on the mark that the next child inherits; where the system caps the limit there is none.

        A mark of 0 is the guardian's own, who knows the environments of all workers and so leaves no core file.
        """
        if self.hard_limit == resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_RTTIME, (self.base + number, self.hard_limit))
        limit_cores(self.core if number else 0)

    def terminate(self, number: int, wanted: int) -> None:
        """Asks the whole tree to end; CONT lets a stopped process hear it."""
        if run := self.runs.get(number):
            run.terminating = True
            self.signal_tree(run, wanted, signal.SIGCONT)

    def kill(self, number: int) -> None:
        """Ends the whole tree now."""
        if run := self.runs.get(number):
            run.terminating = False
            leader = [] if run.ended else [run.leader]
            run.killed += [f"{pid} {name_of(pid)}" for pid in leader + self.members(run)]
            self.signal_tree(run, signal.SIGKILL)

    def signal_leader(self, number: int, wanted: int) -> None:
        run = self.runs.get(number)
        if run and not run.ended:  # nobody else can have reaped it
            os.kill(run.leader, wanted)

    def hold_fd(self) -> None:
        """Keeps a file open, and with it a lock, for as long as anything may be left alive."""
        self.held_fds.append(self.descriptors.pop(0))

    def remember_terminal(self, attributes: list[int | list[bytes | int]] | None) -> None:
        terminal = self.descriptors.pop(0)
        if self.saved_terminal:
            os.close(self.saved_terminal[0])
        self.saved_terminal = (terminal, attributes) if attributes else None

    # endings

    def report_finished_runs(self) -> None:
        """Reaps what has ended, ends what ended workers have left behind, and tells the manager of both."""
        self.reap()
        if not self.ending:
            return
        remaining = {self.run_of(pid) for pid in self.orphans()}
        for run in [*self.ending]:
            if run not in remaining:
                self.ending.discard(run)
                del self.runs[run.number]
                self.send("empty", run.number, run.killed)
            elif not run.terminating:
                self.signal_tree(run, signal.SIGKILL)

    def reap(self) -> None:
        for _ in range(REAP_BATCH_SIZE):
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            run = self.leaders.pop(ended.si_pid, None)
            if run and not run.terminating:
                signal_group(run.leader, signal.SIGKILL)  # while the leader is unreaped, its group is no stranger's
            os.waitpid(ended.si_pid, 0)
            if run:
                run.ended = True
                self.ending.add(run)
                code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
                self.send("exited", run.number, code)

    def signal_tree(self, run: WorkerRun, *numbers: int) -> None:
        """Signals the leader's group, and one by one those who have left it."""
        scattered = [pid for pid in self.members(run) if run.ended or group_of(pid) != run.leader]
        for number in numbers:
            if not run.ended:
                signal_group(run.leader, number)  # the leader is unreaped, so the number is still its own
            for pid in scattered:
                send_signal(pid, number, is_descendant)

    def members(self, run: WorkerRun) -> list[int]:
        """The run's processes but for its leader."""
        below = [] if run.ended else descendants([run.leader])[1:]
        run.seen.update((pid, start_ticks(pid)) for pid in below)
        return below + descendants(pid for pid in self.orphans() if self.run_of(pid) is run)

    def orphans(self) -> list[int]:
        """Children that this process did not spawn: their parents have ended."""
        return [pid for pid in children(os.getpid()) if pid not in self.leaders]

    def run_of(self, pid: int) -> WorkerRun | None:
        """By its mark; where it carries none of ours, by its session, or because it was seen before."""
        if run := self.runs.get(mark_of(pid) - self.base):
            return run
        try:
            session = os.getsid(pid)
        except OSError:
            return None
        name = pid, start_ticks(pid)
        return next((run for run in self.runs.values() if run.leader == session or name in run.seen), None)

    def kill_remaining(self) -> None:
        """TERM, a while, KILL, until this process has no child left."""
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
        """Reaps; the kernel's ECHILD is the proof that nothing is left."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:  # nobody is left who would ask for a code
                pass
        except ChildProcessError:
            return False
        return True

    def restore_terminal(self) -> None:
        if self.saved_terminal:
            terminal, attributes = self.saved_terminal
            try:
                os.set_blocking(terminal, False)
                termios.tcsetattr(terminal, termios.TCSANOW, attributes)
                os.write(terminal, SANE_TERMINAL)
            except (OSError, termios.error):  # it is gone too
                pass


def limit_cores(size: int) -> None:
    """How large a core file of this process may be, as far as the system allows it."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (size, hard))


def set_process_title(title: bytes) -> None:
    """Shows `title` instead of the command line, which may hold a path that somebody kills by name."""
    with open("/proc/self/stat", "rb") as stat:
        start, end = map(int, stat.read().rpartition(b")")[2].split()[45:47])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(title[: end - start - 1].ljust(end - start, b"\0"))
    ctypes.CDLL(None).prctl(PR_SET_NAME, title[:15], 0, 0, 0)


def main(link: int, base: int, core: int) -> None:
    """Serves the manager at the other end of the socket `link`.

    The runs it starts carry marks from `base` on; their core files may have `core` bytes, its own has none.
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
