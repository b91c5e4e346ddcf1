"""`pmtui --no-ui` on a terminal."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui.cli.output import Output
from pmtui.cli.terminal_log import TerminalLog
from pmtui.logs.console import OutputRecord
from tests.cli.shell import pmtui
from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import eventually

CONFIG = """
[process.talker]
command = '''printf '\\033[1mhello\\033[0m\\n'; echo oops >&2; sleep 600'''
shell = true

[process.quiet]
command = "sleep 600"
"""


@pytest.fixture
def colored(monkeypatch: pytest.MonkeyPatch) -> Output:
    output = Output()
    output.has_colors = True
    return output


@contextlib.contextmanager
def headless(folder: Path, config: str, *words: str, **env: str) -> Iterator[PseudoTerminal]:
    """Run the manager on a terminal, and end it by Ctrl-C."""
    terminal = PseudoTerminal(folder, config, "--no-ui", *words, size=(100, 30), **env)
    try:
        yield terminal
        terminal.press(b"\x03")
        assert terminal.ends() == 0
    finally:
        terminal.close()


def test_lines_look_as_those_of_logs(tmp_path: Path) -> None:
    with headless(tmp_path, CONFIG, NO_COLOR="") as terminal:
        for words in ("talker running", "oops", "Ctrl-C stops all processes"):
            terminal.shows(words)
        eventually(lambda: b"\x1b[1mhello\x1b[0m" in terminal.output)
        found = [line.split() for line in terminal.text.splitlines() if "oops" in line or "Ctrl-C" in line]
        assert sorted(words[1] for words in found) == ["pmtui", "talker"]
        assert "[STDERR]" not in terminal.text


def test_a_format_that_was_asked_for_is_used_on_a_terminal(tmp_path: Path) -> None:
    with headless(tmp_path, CONFIG, "--log-format", "text", NO_COLOR="1") as terminal:
        terminal.shows("ERROR [talker][STDERR] oops")


def test_a_terminal_that_does_not_read_stops_nothing(tmp_path: Path) -> None:
    config = f"{CONFIG}\n[process.flood]\ncommand = \"yes 'a line that is not read'\"\n"
    with headless(tmp_path, config) as terminal:
        terminal.shows("a line that is not read")
        terminal.stall()
        done = pmtui(tmp_path, "restart", "quiet")
        assert (done.returncode, done.stdout.split()[:4]) == (0, ["✓", "quiet", "●", "running"])
        terminal.read_on()


def test_messages_of_the_manager_are_dim_or_in_the_color_of_their_level(colored: Output) -> None:
    log = TerminalLog(colored, ["a-process-with-a-name-of-more-than-24-characters", "web"])
    info, error = (log(OutputRecord(0, level, "pmtui", None, b"text\n", 1)) for level in ("INFO", "ERROR"))
    assert info.endswith(b" pmtui" + b" " * 22 + b"\x1b[0m\x1b[2mtext\x1b[0m\n")
    assert error.endswith(b"\x1b[31mtext\x1b[0m\n")


def test_every_line_has_a_head_and_harmless_text(colored: Output) -> None:
    log = TerminalLog(colored, ["web"])
    lines = log(OutputRecord(0, "INFO", "web", "stdout", b"\x1b[31mred\n\x1b[2Jcleared\xff\n", 2)).splitlines()
    assert [line.partition(b"m  ")[2] for line in lines] == [b" \x1b[31mred\x1b[0m", b" cleared\xef\xbf\xbd"]
