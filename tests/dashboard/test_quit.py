"""What is left when the dashboard of a manager is left, in a real pseudo-terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui.client.discovery import read_instance
from tests.cli.shell import pmtui
from tests.dashboard.terminal import SLEEPERS, STUBBORN, command_lines, ignores_sigterm, terminal, workers
from tests.eventually import eventually

STUBBORN_AND_POLITE = f"""
{STUBBORN}
stopTimeout = "100ms"

[process.polite]
command = "sleep 5001"
"""
BROKEN = """
[process.broken]
command = "no-such-command"
maxRetries = 0

[process.good]
command = "sleep 5001"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    if read_instance(tmp_path / ".pmtui"):
        pmtui(tmp_path, "down", "--now")


def test_what_stopped_is_told_at_the_end(folder: Path) -> None:
    with terminal(folder) as shown:
        eventually(lambda: len(workers(folder)) == 2)
        shown.press(b"qy")
        assert shown.ends() == 0
        shown.shows("pmtui: 2 processes stopped in ")
        assert "killed" not in shown.text


def test_who_had_to_be_killed_is_named(folder: Path) -> None:
    with terminal(folder, STUBBORN_AND_POLITE) as shown:
        eventually(lambda: ignores_sigterm(folder))
        shown.press(b"qy")
        assert shown.ends() == 0
        shown.shows("had to be killed: stubborn")


def test_left_in_the_background_they_start_again_under_another_manager(folder: Path) -> None:
    with terminal(folder) as shown:
        shown.shows("2 running")
        before = eventually(lambda: found if len(found := workers(folder)) == 2 else [])
        shown.press(b"q")
        shown.shows("Background restarts them")
        shown.press(b"b")
        assert shown.ends() == 0
        shown.shows("2 processes are up: pid ")
        eventually(shown.is_restored)
        manager = read_instance(folder / ".pmtui")
        assert manager is not None
        assert manager.pid != shown.process.pid
        after = workers(folder)
        assert len(after) == 2
        assert not {*before} & {*after}


def test_what_does_not_come_up_in_the_background_is_told(folder: Path) -> None:
    with terminal(folder, BROKEN) as shown:
        shown.shows("1 failed")
        eventually(lambda: len(workers(folder)) == 1)
        shown.press(b"qb")
        assert shown.ends() == 1
        shown.shows("1 process is up, 1 not")
        shown.shows("no-such-command is not on the PATH")


def test_the_manager_in_the_background_is_told_the_same_words(folder: Path) -> None:
    with terminal(folder, SLEEPERS, "-c", "pmtui.toml", "second", words=("--no-api",)) as shown:
        shown.shows("1 running")
        eventually(lambda: len(workers(folder)) == 1)
        shown.press(b"qb")
        assert shown.ends() == 0
        shown.shows("no API")
        eventually(lambda: [line.split(b"\0")[1:] for line in command_lines(folder).values()] == [[b"5002", b""]])
