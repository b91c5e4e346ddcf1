"""Output that is not text, controls a terminal or breaks a layout: stored unchanged, harmless wherever it is shown."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dashboard.terminal import PseudoTerminal, terminal
from tests.eventually import DEADLINE, eventually
from tests.running import Running, running

MARKS = "\u0301" * 10_000
SHOWN = {
    b"invalid \xff\xfe \xc3( \xf0\x9f": "invalid \ufffd\ufffd \ufffd( \ufffd",
    b"nul \x00 bell \x07 del \x7f": "nul  bell  del ",
    b"raw c1 \x9b2J": "raw c1 \ufffd2J",
    "c1 \x9b2J\x85\x90q\x9c".encode(): "c1 ",
    b"clipboard \x1b]52;c;cm0gLXJm\x07": "clipboard ",
    b"title \x1b]0;owned\x1b\\": "title ",
    b"cleared \x1b[2J\x1b[H\x1b[?1049l": "cleared ",
    b"reset \x1bc\x1b(0": "reset ",
    b"device \x1bPq#0;2;0;0;0\x1b\\": "device ",
    b"question \x1b[6n\x1b[c\x1b[5i": "question ",
    b"open \x1b]52;c;": "open 52;c;",
    b"markup [/bold] [red] [@click=app.quit]here[/]": "markup [/bold] [red] [@click=app.quit]here[/]",
    "bidi \u202eabc\u2066def".encode(): "bidi abcdef",
    f"pile a{MARKS}".encode(): "pile a" + "\u0301" * 4,
    b"tab\tstop": "tab\tstop",
    b"10 of 90\r55 of 90\r90 of 90 done\r": "90 of 90 done",
    b"colour \x1b[32mgreen": "colour green",
    b"the last": "the last",
}
"""What is written, and what is told of it as text."""
RAW = b"".join(line + b"\n" for line in SHOWN)
EVIL: dict[str, Any] = {"id": "evil", "command": "cat evil.bin; exec sleep 600", "shell": True}
TOML = '[process.evil]\ncommand = "cat evil.bin; exec sleep 600"\nshell = true\n'
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "evil.bin").write_bytes(RAW)
    return tmp_path


@pytest.fixture
def manager(folder: Path) -> Iterator[Running]:
    with running(folder, [EVIL | {"log": {"timestamps": False}}], "--log-format", "json") as manager:
        manager.wait_running(["evil"])
        eventually(lambda: len(manager.get("/api/pm/evil/logs")[1]) == len(SHOWN))
        yield manager


def test_bytes_are_stored_unchanged_and_shown_as_valid_json(manager: Running) -> None:
    """Invalid UTF-8, NUL, C1 bytes and terminal controls: raw on disk; replaced or removed in the API's lists and
    streams and in the manager's own JSON log, which all stay valid."""
    log = manager.data / "logs/evil-stdout.log"
    eventually(lambda: log.exists() and log.read_bytes() == RAW)
    told = [*SHOWN.values()]
    assert [line["text"] for line in manager.get("/api/pm/evil/logs")[1]] == told
    assert manager.fetch("GET", "/api/pm/evil/logs?format=text")[0] == 200
    assert [line["text"] for line in streamed(manager, len(SHOWN))] == told
    eventually(lambda: printed(manager) == told)


def printed(manager: Running) -> list[str]:
    """Return what the manager has printed of the process, without the line that it is printing."""
    rows = [json.loads(line) for line in manager.log.split("\n")[:-1]]
    return [row["text"] for row in rows if row["id"] == "evil"]


def streamed(manager: Running, count: int) -> list[Any]:
    """Return the first lines of the log's stream."""
    found: list[Any] = []
    url = f"{manager.url}/api/pm/evil/logs/stream"
    with httpx.stream("GET", url, headers=manager.authorization, timeout=DEADLINE) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == count:
                break
    return found


def without_colours(output: bytes) -> list[str]:
    """Return the lines that a terminal was sent."""
    return COLOUR.sub("", output.decode("utf-8", "replace")).removesuffix("\r\n").split("\r\n")


def test_logs_on_a_terminal_have_no_control_sequences(manager: Running) -> None:
    """`pmtui logs` on a terminal shows the same output: text and colors only."""
    shown = PseudoTerminal(manager.folder, None, words=("logs", "evil"), NO_COLOR="")
    try:
        assert shown.ends() == 0
        times = len("17:00:00.123  ")
        told = [line.expandtabs() for line in SHOWN.values()]
        eventually(lambda: [line[times:] for line in without_colours(shown.output)] == told)
        assert b"colour \x1b[32mgreen\x1b[0m" in shown.output
    finally:
        shown.close()


def test_a_headless_manager_passes_no_control_sequences_to_its_terminal(folder: Path) -> None:
    """The log of `pmtui --no-ui` on a terminal: text and colors only."""
    shown = PseudoTerminal(folder, TOML, words=("--no-ui", "--no-api"), NO_COLOR="")
    try:
        shown.shows("the last")
        shown.process.terminate()
        assert shown.ends() == 0
        eventually(lambda: re.search(rb"all processes have ended.*\n$", shown.output))
        printed = [line.partition(" evil    ") for line in without_colours(shown.output)]
        assert [line for _, found, line in printed if found] == [line.expandtabs() for line in SHOWN.values()]
        assert not any(set(head) & {*map(chr, range(32)), *map(chr, range(127, 160))} for head, _, _ in printed)
    finally:
        shown.close()


def test_the_dashboard_shows_hostile_output_without_obeying_it(folder: Path) -> None:
    """The dashboard shows such lines, including markup, and runs on; no control sequence reaches the terminal."""
    with terminal(folder, TOML, size=(120, 60)) as shown:
        for words in ("[/bold] [red] [@click=app.quit]here[/]", "bidi abcdef", "90 of 90 done", "the last"):
            shown.shows(words)
        assert not re.search(rb"\x1b\]52|\x1b\]0;|\x1b\[2J|\x1bP|\x1bc|\x1b\(0|\x1b\[6n|\x1b\[5i|\x00", shown.output)
        text = shown.output.decode("utf-8", "replace")
        assert "55 of 90" not in text
        assert not re.search(r"[\x80-\x9f\u202a-\u202e\u2066-\u2069]|\u0301{5}|\t", text)
        shown.process.terminate()
        assert shown.ends() == 0
        eventually(shown.is_restored)
