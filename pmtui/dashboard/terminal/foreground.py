"""Programs that get the terminal to themselves while the dashboard is suspended, and those that run beside it."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

GRAPHICAL_OPENERS = ("xdg-open", "gio", "wslview")
_LINE_BY_COLON = frozenset(("code", "codium", "cursor", "subl", "hx", "helix", "zed"))
_LINE_BY_PLUS = frozenset(("vi", "vim", "nvim", "view", "nano", "micro", "emacs", "emacsclient", "joe", "ne", "kak"))


def run_in_foreground(argv: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run a program in a new process group, so that Ctrl-C ends only it. Raises OSError.

    Stopping it would leave a terminal without a reader, so it is continued at once.
    """
    previous = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        child = subprocess.Popen(argv, cwd=cwd, env=env, process_group=0)
        with contextlib.suppress(OSError):
            os.tcsetpgrp(0, child.pid)
            os.killpg(child.pid, signal.SIGCONT)  # it may have read before the terminal was its own
        while True:
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                child.returncode = os.waitstatus_to_exitcode(status)
                return child.returncode
            os.killpg(child.pid, signal.SIGCONT)
    finally:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, previous)


def editor_command(path: Path, line: int, environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the user's editor at a line of a file, or None if there is none."""
    chosen = environment.get("VISUAL") or environment.get("EDITOR")
    words = shlex.split(chosen) if chosen else [name for name in ("nano", "vim", "vi") if shutil.which(name)][:1]
    if not words:
        return None
    name = Path(words[0]).name
    if name in _LINE_BY_COLON:
        go_to = ["-g"] if name in ("code", "codium", "cursor") else []
        return [*words, *go_to, f"{path}:{line}"]
    return [*words, *([f"+{line}"] if name in _LINE_BY_PLUS else []), str(path)]


def open_in_browser(url: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Open an address in a graphical browser; return False if there is none."""
    if sys.platform == "darwin":
        program: str | None = "open"
    else:
        is_graphical = any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
        program = next(filter(shutil.which, GRAPHICAL_OPENERS), None) if is_graphical else None
    if program is None:
        return False
    argv = [program, "open", url] if program == "gio" else [program, url]
    in_background = ["/bin/sh", "-c", '"$@" </dev/null >/dev/null 2>&1 &', "sh", *argv]
    return subprocess.run(in_background, start_new_session=True, check=False).returncode == 0


def config_line(text: str, process_id: str) -> int:
    """Return the number of the line where a config names a process, else 1."""
    quoted = (f"[process.{process_id}]", f'[process."{process_id}"]', f'"id": "{process_id}"', f"  {process_id}:")
    compact = [wanted.replace(" ", "") for wanted in quoted]
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.replace(" ", "")
        if any(wanted in bare for wanted in compact[:3]) or bare == compact[3]:
            return number
    return 1
