"""What leads out of the dashboard: editor, shell, browser, title, links; and what a paste does not do."""

import os
import stat
from pathlib import Path

import pytest
from textual.command import Command, CommandList

from pmtui.control import Status
from pmtui.dashboard.app import terminal_title
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.style.glyphs import UNICODE
from pmtui.dashboard.terminal.foreground import config_line, editor_command, open_in_browser
from pmtui.dashboard.terminal.typed import InputParser, Typed
from tests.dashboard.stage import Stage, stage
from tests.dashboard.terminal import SLEEPERS, terminal
from tests.eventually import eventually
from tests.fake_control import FakeControl, snapshot


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vim", ["vim", "+7", "/srv/pmtui.toml"]),
        ("/usr/bin/nano -w", ["/usr/bin/nano", "-w", "+7", "/srv/pmtui.toml"]),
        ("code -w", ["code", "-w", "-g", "/srv/pmtui.toml:7"]),
        ("hx", ["hx", "/srv/pmtui.toml:7"]),
        ("unknown", ["unknown", "/srv/pmtui.toml"]),
    ],
)
def test_an_editor_is_sent_to_the_line(editor: str, command: list[str]) -> None:
    assert editor_command(Path("/srv/pmtui.toml"), 7, {"EDITOR": editor}) == command
    assert editor_command(Path("/srv/pmtui.toml"), 7, {"VISUAL": editor, "EDITOR": "x"}) == command


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[settings]\n\n[process.web]\n", 3),
        ('[process."web"]\n', 1),
        ('[\n  {"id": "db"},\n  {"id":"web"}\n]', 3),
        ("process:\n  db:\n  web:\n", 3),
        ("nothing\nhere\n", 1),
    ],
)
def test_a_process_is_found_in_its_config(text: str, line: int) -> None:
    assert config_line(text, "web") == line


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_browser_is_opened_only_where_there_is_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not open_in_browser("http://127.0.0.1:1", {})
    script(tmp_path / "xdg-open", f'echo "$1" > {tmp_path}/opened')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert open_in_browser("http://127.0.0.1:1", {"DISPLAY": ":0"})
    eventually(lambda: (tmp_path / "opened").is_file() and (tmp_path / "opened").read_text() == "http://127.0.0.1:1\n")


async def test_an_address_that_cannot_be_opened_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    async with stage(120, 36) as shown:
        await shown.press("u")
        await shown.until(lambda: any("copied" in note.message for note in shown.app._notifications))
        assert shown.app.clipboard == "http://127.0.0.1:8001"


async def test_ports_are_links() -> None:
    async with stage(120, 36) as shown:
        assert "http://127.0.0.1:8001\x1b\\" in shown.ansi


async def test_a_message_is_one_line_and_not_repeated() -> None:
    async with stage(80, 24) as shown:
        for _ in range(5):
            shown.app.main.show_message("one\ntwo " * 40, error=True)
        await shown.settle()
        assert [note.message.count("\n") for note in shown.app._notifications] == [0]


async def test_advice_stands_above_the_log_in_the_notation_of_the_config() -> None:
    row = snapshot("web", advice='.venv is missing beside requirements.txt: set "install": "auto" or run uv sync')
    async with stage(100, 30, FakeControl(row)) as shown:
        await shown.shows('▲ .venv is missing beside requirements.txt: set install = "auto" or run uv sync')


async def test_the_palette_knows_verbs() -> None:
    async with stage(80, 24) as shown:
        await shown.press("colon", *"restart node")
        await shown.until(lambda: highlighted(shown) == "Restart node-worker")
        await shown.press("enter")
        await shown.until(lambda: shown.control.calls == [("restart", "node-worker")])


def highlighted(shown: Stage) -> str:
    """What Enter would run. The list is that of an earlier text for a while."""
    option = shown.app.screen.query_one(CommandList).highlighted_option
    return str(option.hit.text) if isinstance(option, Command) else ""


async def test_ctrl_z_does_not_stop_a_manager() -> None:
    async with stage(80, 24) as shown:
        await shown.press("ctrl+z")
        await shown.until(lambda: any("Ctrl-Z would" in note.message for note in shown.app._notifications))


def bursts(text: str) -> list[str]:
    messages = InputParser(False).feed(text.encode())
    return [message.burst for message in messages if isinstance(message, Typed)]


@pytest.mark.parametrize("text", ["rsx", "jjjjjjjj", "/web", ":restart"])
def test_keys_of_a_person_are_no_burst(text: str) -> None:
    assert bursts(text) == [""] * len(text)


def test_many_characters_at_once_are_a_burst_with_all_keys_between_them() -> None:
    assert bursts("\trest\r") == ["later", "first", "later", "later", "later", "later"]


async def test_a_burst_does_nothing_but_in_an_input() -> None:
    async with stage(80, 24) as shown:
        for message in InputParser(False).feed(b"xrestart"):
            shown.app.post_message(message)
        await shown.press("slash")
        for message in InputParser(False).feed(b"worker"):
            shown.app.post_message(message)
        await shown.shows("Filter worker")
        assert "tree is killed" not in shown.text
        assert shown.control.calls == []


def test_keys_are_known_with_their_bytes() -> None:
    parser = InputParser(False)
    data = "xé\x1b[A\x1b[200~two\x1b[201~\x1b[<0;1;1M\x1b[114;;114u".encode()
    found = [message for message in parser.feed(data) if isinstance(message, Typed)]
    assert [message.data for message in found] == [
        *(b"x", "é".encode(), b"\x1b[A", b"\x1b[200~two\x1b[201~", b"\x1b[114;;114u")
    ]
    assert parser.feed(b"\x1b[") == []
    assert parser.take_unfinished() == b"\x1b["
    assert [message.data for message in parser.feed(b"A") if isinstance(message, Typed)] == [b"A"]


def test_the_title_counts() -> None:
    rows = [snapshot("a"), snapshot("b", Status.FAILED), snapshot("c", health="unhealthy")]
    assert terminal_title(DashboardState(rows), UNICODE) == "pmtui  ● 2 ✖ 2"


def test_the_config_is_edited_and_a_shell_has_the_environment(tmp_path: Path) -> None:
    editor = script(tmp_path / "editor", 'echo "editing $*" | tr / .')
    shell = script(tmp_path / "shell", 'echo "in $(pwd -P | tr / .) with $MODE and $SECRET_TOKEN"')
    config = SLEEPERS.replace('5002"', '5002"\nenv = { MODE = "test", SECRET_TOKEN = "s3" }')
    with terminal(tmp_path, config, EDITOR=str(editor), SHELL=str(shell)) as shown:
        eventually(lambda: b"\x1b]2;pmtui" in shown.output)
        shown.shows("second")
        shown.press(b"G")
        shown.press(b"\x05")
        shown.shows(f"editing {tmp_path}/pmtui.toml".replace("/", "."))
        shown.shows("Press L to reload")
        shown.press(b"$")
        shown.shows("pmtui: shell of second")
        shown.shows("with test and s3")
        shown.forget()
        shown.press_until_shown(b"?", "Keys")
