"""The terminal of a process in a real dashboard, on a real pseudo-terminal."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.dashboard.terminal import PseudoTerminal, terminal, workers
from tests.eventually import eventually, is_alive
from tests.running import running

KEYBOARD = "keys go to the process"
READY = ": > ready; printf READY"
RAW = f"stty raw -echo; {READY}; exec cat > typed"
ECHO = f"stty -echo; {READY}; while read -r line; do echo got $line $(stty size); done"


def config(line: str, *more: str) -> str:
    return "\n".join([f"[process.a]\ncommand = '''{line}'''\nshell = true\ntty = true", *more]) + "\n"


@contextmanager
def view(folder: Path, line: str, *more: str, size: tuple[int, int] = (100, 30)) -> Iterator[PseudoTerminal]:
    """A dashboard that shows the terminal of the process."""
    with terminal(folder, config(line, *more), size=size) as shown:
        shown.shows("running")
        eventually((folder / "ready").exists)
        shown.press(b"i")
        shown.shows(KEYBOARD)
        shown.shows("READY")
        yield shown


def typed(folder: Path) -> bytes:
    file = folder / "typed"
    return file.read_bytes() if file.exists() else b""


def has_typed(folder: Path, keys: bytes) -> bool:
    return typed(folder) == keys


def test_what_is_typed_is_answered_and_the_key_that_leaves_returns(tmp_path: Path) -> None:
    with view(tmp_path, ECHO) as shown:
        shown.press(b"hello\r")
        shown.shows("got hello 29 100")
        shown.forget()
        shown.press(b"\x1d")
        shown.shows("STATUS")
        shown.press(b"?")
        shown.shows("Keys")


def test_every_byte_but_one_reaches_the_process_and_none_after_it(tmp_path: Path) -> None:
    keys = bytes(byte for byte in range(256) if byte != 0x1D)
    with view(tmp_path, RAW) as shown:
        shown.press(keys)
        eventually(lambda: typed(tmp_path) == keys)
        for key in (b"\x1b", b"\x03", b"\x11", b"\x1a", b"q", b":", b"\x10"):
            before = typed(tmp_path)
            shown.press(key)
            eventually(partial(has_typed, tmp_path, before + key))
        before = typed(tmp_path)
        shown.press(b"\x1d\x1b[B")
        shown.shows("STATUS")
        shown.press(b"?")
        shown.shows("Keys")
        assert typed(tmp_path) == before


@pytest.mark.parametrize("keys", [b"rsxqk:/?", b"\x03\x03\x11\x1a\x1b[B\xc3\xa9\r", b"\x1b[200~pasted\x1b[201~q"])
def test_keys_read_together_with_the_one_that_opens_the_view_are_for_the_process(tmp_path: Path, keys: bytes) -> None:
    with terminal(tmp_path, config(RAW)) as shown:
        shown.shows("running")
        eventually((tmp_path / "ready").exists)
        shown.press(b"i" + keys)
        shown.press(b"more")
        shown.shows(KEYBOARD)
        shown.press(b"later")
        text = keys.replace(b"\x1b[200~", b"").replace(b"\x1b[201~", b"") + b"morelater"
        eventually(lambda: typed(tmp_path) == text)
        assert "Restarting" not in shown.text
        assert "again" not in shown.text


def test_the_key_that_leaves_is_known_in_a_burst_and_what_follows_it_is_for_the_dashboard(tmp_path: Path) -> None:
    with terminal(tmp_path, config(RAW)) as shown:
        shown.shows("running")
        eventually((tmp_path / "ready").exists)
        shown.press(b"ikeys\x1d")
        eventually(lambda: typed(tmp_path) == b"keys")
        shown.press(b"?")
        shown.shows("Keys")


def test_a_burst_that_opens_no_view_does_nothing(tmp_path: Path) -> None:
    with terminal(tmp_path) as shown:
        shown.shows("running")
        shown.press(b"irestart")
        shown.shows("has no terminal; set tty to true")
        shown.press(b"?")
        shown.shows("Keys")
        assert "Restarting" not in shown.text
        assert "tree is killed" not in shown.text


def test_the_terminal_follows_the_size_of_the_dashboard(tmp_path: Path) -> None:
    line = f"trap 'echo now $(stty size)' WINCH; {READY}; while :; do sleep 0.05; done"
    with view(tmp_path, line) as shown:
        shown.shows("now 29 100")
        shown.resize(120, 40)
        shown.shows("now 39 120")


def test_mouse_paste_and_focus_reach_only_a_program_that_asks(tmp_path: Path) -> None:
    with view(tmp_path, RAW) as shown:
        shown.press(b"\x1b[<0;5;3M\x1b[<0;5;3m\x1b[I\x1b[200~pasted\x1b[201~.")
        eventually(lambda: typed(tmp_path) == b"pasted.")


def test_mouse_paste_and_focus_reach_a_program_that_asks(tmp_path: Path) -> None:
    line = f"printf '\\033[?1000;1006;1004;2004h'; {RAW}"
    report = b"\x1b[<0;5;3M\x1b[<0;5;3m\x1b[I\x1b[200~pasted\x1b[201~."
    with view(tmp_path, line) as shown:
        shown.press(report)
        eventually(lambda: typed(tmp_path) == report)


def test_colours_are_those_of_the_terminal_of_the_user(tmp_path: Path) -> None:
    with view(tmp_path, f"printf '\\033[31mred\\033[0m\\n'; {ECHO}") as shown:
        eventually(lambda: re.search(rb"\x1b\[31[0-9;]*mred", shown.output))
        shown.press(b"x\r")
        shown.shows("got x 29 100")  # below the red, which is not drawn again: no other size is to come
        shown.forget()
        shown.press(b"\x1d")
        shown.shows("STATUS")
        assert not re.search(rb"\x1b\[3[1-7]m", shown.output)


def test_the_end_of_a_flood_is_shown(tmp_path: Path) -> None:
    line = f"stty raw -echo; {READY}; yes & y=$!; head -c1 > typed; kill $y; wait; printf 'the end'; sleep 600"
    with terminal(tmp_path, config(line)) as shown:
        shown.shows("running")
        eventually((tmp_path / "ready").exists)
        shown.press(b"i")
        shown.shows(KEYBOARD)
        shown.press(b"x")
        eventually(lambda: typed(tmp_path) == b"x")
        shown.shows("the end")


def test_a_question_of_the_program_is_answered_once(tmp_path: Path) -> None:
    line = f"stty raw -echo; {READY}; head -c1 > /dev/null; printf 'abc\\033[6n'; exec cat > typed"
    with view(tmp_path, line) as shown:
        shown.press(b"x")
        eventually(lambda: typed(tmp_path) == b"\x1b[1;9R")


def test_the_view_stays_over_the_end_and_a_new_run_begins_empty(tmp_path: Path) -> None:
    line = f"{READY}; read -r word; echo ends; exit 3"
    with view(tmp_path, line, "restart = 'never'", "maxRetries = 0") as shown:
        shown.press(b"x\r")
        shown.shows("keys go nowhere")
        shown.press(b"lost")
        shown.press(b"\x1d")
        shown.shows("STATUS")


def test_without_a_terminal_there_is_a_hint(tmp_path: Path) -> None:
    with terminal(tmp_path) as shown:
        shown.shows("running")
        shown.press(b"i")
        shown.shows("has no terminal; set tty to true")
        shown.press(b"?")
        shown.shows("Keys")


def test_it_works_over_the_api(tmp_path: Path) -> None:
    entry = {"id": "a", "command": ECHO, "shell": True, "tty": True}
    with running(tmp_path, [entry]) as manager:
        manager.wait_running(["a"])
        shown = PseudoTerminal(tmp_path, None, "attach", words=())
        try:
            shown.shows("Detach")
            shown.shows("running")
            shown.press(b"i")
            shown.shows(KEYBOARD)
            shown.press(b"hello\r")
            shown.shows("got hello 29 100")
            shown.process.kill()
            eventually(shown.is_restored)
            assert manager.row("a")["status"] == "running"
        finally:
            shown.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_terminal_is_restored_when_the_dashboard_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    with view(tmp_path, RAW) as shown:
        pids = workers(tmp_path)
        shown.process.send_signal(number)
        shown.ends()
        eventually(lambda: not any(map(is_alive, pids)))
        eventually(shown.is_restored)


def test_a_killed_manager_takes_the_process_along_and_leaves_the_attached_dashboard_usable(tmp_path: Path) -> None:
    entry = {"id": "a", "command": RAW, "shell": True, "tty": True}
    with running(tmp_path, [entry]) as manager:
        pids = manager.wait_running(["a"])
        shown = PseudoTerminal(tmp_path, None, "attach", words=())
        try:
            shown.shows("running")
            shown.press(b"i")
            shown.shows(KEYBOARD)
            shown.shows("READY")
            manager.process.kill()
            eventually(lambda: not any(map(is_alive, pids.values())))
            shown.forget()
            shown.press(b"lost\x1d")
            shown.shows("STATUS")
            shown.press(b"q")
            assert shown.ends() == 0
            eventually(shown.is_restored)
        finally:
            shown.close()
