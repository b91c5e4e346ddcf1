"""`pmtui history` over a real manager."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.eventually import eventually
from tests.running import Running, running

PROCESSES = [
    {"id": "web", "command": "echo ready; sleep 600", "shell": True},
    {"id": "bad", "command": "echo 'KeyError: no such user' >&2; exit 3", "shell": True, "maxRetries": 0},
    {"id": "off", "command": "sleep 600", "autostart": False},
]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The second manager of its directory; the first one recorded a sample of `web`."""
    folder: Path = tmp_path_factory.mktemp("history")
    with running(folder, PROCESSES) as first:
        first.wait_running(["web"])
        eventually(lambda: any(first.get("/api/pm/web/history?since=5m")[1]["memory"]))
    with running(folder, PROCESSES) as second:
        second.wait_running(["web"])
        eventually(lambda: second.row("bad")["status"] == "failed")
        yield second


def test_charts_are_printed_with_the_events_of_all_managers(manager: Running) -> None:
    done = pmtui(manager.folder, "history", "web", "--since", "15m")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("web  ")
    assert all(len(line) <= 80 for line in lines[:15])
    assert any(line.startswith("Memory   last ") for line in lines)
    assert "█" in done.stdout
    assert "    ends " in done.stdout
    assert [line.split()[4] for line in lines if "  web " in line][-3:] == ["stopped", "starting", "running"]


def test_a_crash_shows_its_last_words(manager: Running) -> None:
    done = pmtui(manager.folder, "history", "bad")
    assert done.stdout.splitlines()[-1] == "    KeyError: no such user"
    assert "failed" in done.stdout
    assert "no such user" not in pmtui(manager.folder, "history", "bad", "-n", "0").stdout


def test_without_any_values_it_says_so(manager: Running) -> None:
    _, text = pmtui(manager.folder, "history", "off").stdout.splitlines()
    assert text.startswith("Nothing was recorded in this time")


def test_json_is_what_the_api_answers(manager: Running) -> None:
    answer = json.loads(pmtui(manager.folder, "history", "web", "--since", "1h", "--json").stdout)
    assert (answer["step"], len(answer["cpu"])) == (12, 300)
    assert [event["to"] for event in answer["events"] if event.get("signal") == "SIGTERM"] == ["stopped"]


def test_what_cannot_be_is_refused(manager: Running, tmp_path: Path) -> None:
    assert pmtui(manager.folder, "history", "nobody").returncode == 1
    assert pmtui(manager.folder, "history", "web", "--since", "soon").returncode == 2
    assert pmtui(manager.folder, "history").returncode == 2
    assert pmtui(tmp_path, "history", "web").returncode == 3


def test_without_history_it_says_how_to_have_one(tmp_path: Path) -> None:
    with running(tmp_path, {"settings": {"history": False}, "processes": PROCESSES[:1]}) as manager:
        manager.wait_running(["web"])
        done = pmtui(manager.folder, "history", "web")
        assert (done.returncode, done.stdout) == (1, "")
        assert "settings.history is false" in done.stderr
