"""`pmtui down`."""

from pathlib import Path

from tests.cli.shell import pmtui
from tests.eventually import is_alive
from tests.running import Running, running


def test_everything_has_ended_when_it_returns(own: Running) -> None:
    pids = [own.pid, own.guardian, *own.wait_running(["web-1", "web-2", "talker"]).values()]
    done = pmtui(own.folder, "down")
    assert (done.returncode, done.stdout) == (0, f"stopped the manager (pid {own.pid}) and all its processes\n")
    assert not any(map(is_alive, pids))
    assert pmtui(own.folder, "down").returncode == 3


def test_now_kills_what_ignores_signals(tmp_path: Path) -> None:
    stubborn = {"id": "s", "command": "trap '' TERM; while :; do sleep 1; done", "shell": True, "stopTimeout": "10m"}
    with running(tmp_path, [stubborn]) as manager:
        manager.wait_running(["s"])
        assert pmtui(tmp_path, "down", "--now").returncode == 0


def test_a_url_is_refused(house: Running) -> None:
    assert pmtui(house.folder, "down", "--url", "http://127.0.0.1:9615").returncode == 2
