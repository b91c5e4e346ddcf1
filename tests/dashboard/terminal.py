"""`pmtui` in a pseudo-terminal, with real processes below it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.eventually import DEADLINE, eventually, is_alive

SLEEPERS = """
[process.first]
command = "sleep 5001"

[process.second]
command = "sleep 5002"
"""
STUBBORN = """
[process.stubborn]
command = "sh -c 'trap \\"\\" TERM; while :; do sleep 0.1; done'"
"""
OWN_SESSION = ("env", "--default-signal=INT", "setsid", "--ctty")  # tests may run in the background, without Ctrl-C
START = "import sys; from pmtui.cli.main import main; sys.argv[0] = 'pmtui'; main()"


class PseudoTerminal:
    """Runs `pmtui` or another program on a terminal of its own; what it draws is read at once, unless `stalled`."""

    def __init__(
        self,
        folder: Path,
        config: str | None,
        *arguments: str,
        words: Sequence[str] = ("--port", "0"),
        program: Sequence[str] = (sys.executable, "-c", START),
        size: tuple[int, int] = (100, 30),
        within: Sequence[str] = OWN_SESSION,
        **env: str,
    ) -> None:
        if config is not None:
            (folder / "pmtui.toml").write_text(config)
        self.folder = folder
        self.output = b""
        self._output_lock = threading.Lock()
        self._reads = threading.Event()
        self._reads.set()
        self._closing = threading.Event()
        self.master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.before = self.attributes()
        self.process = subprocess.Popen(
            [*within, *program, *words, *arguments],
            cwd=folder,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "XDG_CONFIG_HOME": str(folder / ".pmtui-ui"),
                **env,
            },
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                if self._reads.wait(0.05) and select.select([self.master], [], [], 0.05)[0]:
                    data = os.read(self.master, 1 << 16)
                    with self._output_lock:
                        self.output += data

    def attributes(self) -> list[Any]:
        return termios.tcgetattr(self._slave)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.killpg(self.process.pid, 28)

    def stall(self) -> None:
        """Stops reading."""
        self._reads.clear()

    def is_full(self) -> bool:
        """Whether it takes no more output."""
        return not select.select([], [self._slave], [], 0)[1]

    def read_on(self) -> None:
        self._reads.set()

    def hang_up(self) -> None:
        """Closes the terminal, as a window that is closed does."""
        self._closing.set()
        self._reader.join()
        os.close(self._slave)
        os.close(self.master)
        self.master = self._slave = -1

    @property
    def text(self) -> str:
        """All that was ever drawn, without what moves and colours it."""
        return re.sub(r"\x1b\[[0-9;?<>=]*[a-zA-Z~$]", "", self.output.decode("utf-8", "replace"))

    def shows(self, words: str) -> None:
        try:
            eventually(lambda: words in self.text)
        except AssertionError:
            raise AssertionError(f"{words!r} is not in {self.text[-3000:]!r}, {self.process.poll()=}") from None

    def press_until_shown(self, key: bytes, words: str) -> None:
        """Presses a key again and again: what the terminal is read with may hold back or swallow the first ones."""

        def is_shown() -> bool:
            self.press(key)
            with contextlib.suppress(AssertionError):
                return eventually(lambda: words in self.text, within=1.0)
            return False

        eventually(is_shown)

    def forget(self) -> None:
        """Only what is drawn from now on counts."""
        with self._output_lock:
            self.output = b""

    def ends(self) -> int:
        """Waits for the end; the exit code."""
        return self.process.wait(DEADLINE)

    def is_restored(self) -> bool:
        """Main screen, cursor, echo; no mouse."""
        modes = dict(re.findall(rb"\x1b\[\?(1049|25|1000|1003|1006|2004)([hl])", self.output))
        plain = {b"1049": b"l", b"25": b"h", b"1000": b"l", b"1003": b"l", b"1006": b"l", b"2004": b"l"}
        return modes == plain and self.attributes() == self.before and os.get_blocking(self._slave)

    def close(self) -> None:
        self._closing.set()
        self._reader.join()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for descriptor in (self._slave, self.master):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)


def workers(folder: Path) -> list[int]:
    """The processes that run in the folder, other than `pmtui` itself."""
    return [*command_lines(folder)]


def command_lines(folder: Path) -> dict[int, bytes]:
    """The same with their command lines."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{entry}/cmdline").read_bytes()
                if (
                    os.readlink(f"/proc/{entry}/cwd") == str(folder)
                    and b"pmtui" not in command
                    and is_alive(int(entry))
                ):
                    found[int(entry)] = command
    return found


def ignores_sigterm(folder: Path) -> bool:
    """Whether the stubborn process has come beyond its trap."""
    return b"sleep\x000.1\x00" in command_lines(folder).values()


@contextlib.contextmanager
def terminal(folder: Path, config: str | None = SLEEPERS, *arguments: str, **options: Any) -> Iterator[PseudoTerminal]:
    """A dashboard that has shown its first picture."""
    opened = PseudoTerminal(folder, config, *arguments, **options)
    try:
        opened.shows("Quit")
        yield opened
    finally:
        opened.close()
