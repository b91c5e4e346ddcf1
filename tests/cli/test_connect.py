"""`pmtui connect` in a real pseudo-terminal, with a real manager."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import eventually
from tests.running import Running, running

ECHO = "stty -echo; echo READY; while read -r line; do echo got $line $(stty size); done"
RAW = "stty raw -echo; : > typed; printf '\\033[?1049h\\033[?1000h\\033[?25lREADY'; exec cat > typed"


def entry(line: str, **fields: object) -> dict[str, object]:
    return {"id": "a", "command": line, "shell": True, "tty": True, **fields}


@contextmanager
def connected(folder: Path, line: str, **fields: object) -> Iterator[tuple[Running, PseudoTerminal]]:
    with running(folder, [entry(line, **fields)]) as manager:
        manager.wait_running(["a"])
        shown = PseudoTerminal(folder, None, "connect", "a", words=())
        try:
            shown.shows("READY")
            yield manager, shown
        finally:
            shown.close()


def is_restored(shown: PseudoTerminal) -> bool:
    return shown.attributes() == shown.before and os.get_blocking(shown.master)


def test_keys_and_output_pass_in_both_directions_and_the_size_is_that_of_the_terminal(tmp_path: Path) -> None:
    with connected(tmp_path, ECHO) as (_, shown):
        shown.press(b"hello\r")
        shown.shows("got hello 30 100")
        shown.resize(120, 40)
        shown.press(b"again\r")
        shown.shows("got again 40 120")
        shown.press(b"\x1d")
        assert shown.ends() == 0
        assert is_restored(shown)


def test_every_byte_but_one_reaches_the_process_and_modes_are_undone(tmp_path: Path) -> None:
    keys = bytes(byte for byte in range(256) if byte != 0x1D)
    with connected(tmp_path, RAW) as (_, shown):
        shown.press(keys)
        eventually(lambda: (tmp_path / "typed").read_bytes() == keys)
        shown.press(b"last\x1d")
        assert shown.ends() == 0
        eventually(lambda: (tmp_path / "typed").read_bytes() == keys + b"last")
        assert is_restored(shown)
        undone = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?25h")
        eventually(lambda: all(code in shown.output.rpartition(b"READY")[2] for code in undone))


def test_it_goes_on_with_the_next_run_and_ends_with_the_last(tmp_path: Path) -> None:
    line = "echo READY run $PMTUI_RUN; read -r code; exit $code"
    with connected(tmp_path, line, backoff=0.1, maxRetries=1, healthyAfter="1h") as (_, shown):
        shown.press(b"3\r")
        eventually(lambda: shown.text.count("READY") == 2)
        shown.press(b"4\r")
        assert shown.ends() == 1
        shown.shows("a is failed")
        assert is_restored(shown)


def test_it_ends_when_the_process_is_stopped(tmp_path: Path) -> None:
    with connected(tmp_path, ECHO) as (manager, shown):
        manager.post("/api/pm/a/stop")
        assert shown.ends() == 0
        shown.shows("a is stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_terminal_is_restored_whatever_ends_it(tmp_path: Path, number: signal.Signals) -> None:
    with connected(tmp_path, RAW) as (manager, shown):
        eventually(lambda: shown.attributes() != shown.before)
        shown.process.send_signal(number)
        shown.ends()
        eventually(lambda: is_restored(shown))
        eventually(lambda: b"\x1b[?1049l" in shown.output and b"\x1b[?25h" in shown.output)
        assert manager.row("a")["status"] == "running"


def test_it_ends_with_the_manager(tmp_path: Path) -> None:
    with connected(tmp_path, ECHO) as (manager, shown):
        manager.process.kill()
        assert shown.ends() == 1
        eventually(lambda: is_restored(shown))


@pytest.mark.parametrize(
    ("arguments", "code", "error"), [(["b"], 1, "b has no terminal; set tty to true"), (["nobody"], 1, "not found")]
)
def test_it_says_what_is_wrong(tmp_path: Path, arguments: list[str], code: int, error: str) -> None:
    with running(tmp_path, [{"id": "b", "command": "sleep 600"}]) as manager:
        manager.wait_running(["b"])
        shown = PseudoTerminal(tmp_path, None, "connect", *arguments, words=())
        try:
            assert shown.ends() == code
            shown.shows(error)
        finally:
            shown.close()


def test_no_manager(tmp_path: Path) -> None:
    shown = PseudoTerminal(tmp_path, "", "connect", "a", words=())
    try:
        assert shown.ends() == 3
    finally:
        shown.close()
