"""`pmtui wait`: the condition holds, cannot hold, or does not in time."""

import subprocess

import pytest

from tests.cli.shell import CLEAN, pmtui
from tests.eventually import DEADLINE
from tests.running import PMTUI, Running


@pytest.mark.parametrize(
    "words",
    [
        ("web-1", "talker"),
        ("@front", "--for", "running"),
        ("job", "--for", "completed"),
        ("off", "bad", "job", "--for", "stopped"),
    ],
)
def test_a_condition_that_holds_is_exit_code_0(house: Running, words: tuple[str, ...]) -> None:
    done = pmtui(house.folder, "wait", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("bad",), "bad cannot be healthy: it is failed"),
        (("off", "--for", "running"), "off cannot be running: it is stopped"),
        (("web-1", "--for", "completed"), "web-1 cannot be completed: it is restarted whenever it ends"),
        (("bad", "--for", "completed"), "bad cannot be completed: it is failed"),
        (("nobody",), "no process matches 'nobody'"),
        ((), "bad cannot be healthy: it is failed"),
    ],
)
def test_an_impossible_condition_is_exit_code_1(house: Running, words: tuple[str, ...], told: str) -> None:
    done = pmtui(house.folder, "wait", *words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pmtui: {told}")


def test_it_returns_once_the_condition_holds(own: Running) -> None:
    with subprocess.Popen([*PMTUI, "wait", "web-1", "--for", "stopped"], cwd=own.folder, env=CLEAN) as waiting:
        assert own.post("/api/pm/web-1/stop")[0] == 200
        assert waiting.wait(DEADLINE) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--for", "stopped", "--timeout", "200ms"), "not stopped after 0.2 s: web-1 is running"),
        (("--for", "stopped", "--timeout", "0"), "not stopped after 0 s: web-1 is running"),
    ],
)
def test_a_timeout_is_exit_code_124(house: Running, words: tuple[str, ...], told: str) -> None:
    done = pmtui(house.folder, "wait", "web-1", *words)
    assert (done.returncode, done.stderr) == (124, f"pmtui: {told}\n")


def test_a_timeout_of_0_looks_once_and_may_find_it_so(house: Running) -> None:
    assert pmtui(house.folder, "wait", "web-1", "--timeout", "0").returncode == 0
