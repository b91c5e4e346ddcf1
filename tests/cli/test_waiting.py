"""Every wait ends: what it waits for comes true, cannot come any more, was overruled, or is late."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pmtui.cli.waiting import GOOD, judge_start
from pmtui.client import http_client
from pmtui.client.discovery import locate_manager
from pmtui.control import Results, UnavailableError
from tests.cli.conftest import NEVER_UP
from tests.cli.shell import CLEAN, pmtui, without_progress
from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import DEADLINE, eventually
from tests.fake_control import snapshot
from tests.managed import STUBBORN
from tests.running import PMTUI, Running, running

DEAF: dict[str, Any] = {"id": "x", "command": STUBBORN, "shell": True, "stopTimeout": "10m"}
SLEEP: dict[str, Any] = {"command": "sleep 600"}
JOB = "echo first >&2; echo broken >&2; exit 3"
CHAIN = [
    {"id": "db", "command": JOB, "shell": True, "restart": "never", "health": NEVER_UP},
    {"id": "api", "dependsOn": ["db"], **SLEEP},
    {"id": "web", "dependsOn": ["api"], **SLEEP},
]


@contextmanager
def pmtui_in_background(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*PMTUI, *words], cwd=folder, env=CLEAN, **pipes) as process:  # type: ignore[call-overload]
        yield process


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[Running]:
    """A manager whose process does not heed SIGTERM, and one that depends on it but is not started."""
    with running(tmp_path, [DEAF, {"id": "web", "dependsOn": ["x"], "autostart": False, **SLEEP}]) as manager:
        manager.wait_running(["x"])
        eventually(lambda: "[x][STDOUT] ready" in manager.log)
        yield manager
        pmtui(tmp_path, "down", "--now")


@pytest.mark.parametrize(
    ("overruled_by", "why"),
    [
        (("start", "x"), "started again by the user"),
        (("restart", "x"), "started again by the user"),
        (("start", "web"), "started again because web depends on it"),
    ],
)
def test_a_stop_that_is_overtaken_ends_and_says_by_whom(deaf: Running, overruled_by: tuple[str, ...], why: str) -> None:
    with pmtui_in_background(deaf.folder, "stop", "x") as stop:
        eventually(lambda: deaf.row("x")["status"] == "stopping")
        pmtui(deaf.folder, *overruled_by, "--no-wait")
        told, _ = stop.communicate(timeout=DEADLINE)
        assert (stop.returncode, told) == (1, f"✖ x  ◑ stopping  {why}\n")


@pytest.mark.parametrize(("path", "body"), [("x/stop", None), ("stop", {"ids": ["x"]})])
def test_the_api_answers_a_stop_that_is_overtaken(deaf: Running, path: str, body: object) -> None:
    with ThreadPoolExecutor() as threads:
        stop = threads.submit(deaf.post, f"/api/pm/{path}", body)
        eventually(lambda: deaf.row("x")["status"] == "stopping")
        assert deaf.post("/api/pm/x/start")[0] == 200
        status, answer = stop.result()
    message = "Process 'x' was started again by the user."
    if body:
        assert (status, answer) == (200, {"results": [{"id": "x", "ok": False, "message": message}]})
    else:
        assert (status, answer["message"]) == (409, message)


@pytest.mark.parametrize("verb", ["restart", "start"])
def test_a_start_that_is_overtaken_by_a_stop_ends(deaf: Running, verb: str) -> None:
    pmtui(deaf.folder, "stop", "x", "--no-wait")
    with pmtui_in_background(deaf.folder, verb, "x") as start:
        eventually(lambda: deaf.row("x")["wantedBy"] == "user")
        pmtui(deaf.folder, "stop", "x", "--no-wait")
        told, errors = start.communicate(timeout=DEADLINE)
    assert (start.returncode, told) == (1, "✖ x  ◑ stopping  stopped by the user\n")
    assert without_progress(errors) == "pmtui: x: stopped by the user\n"


def test_wait_ends_when_the_stop_it_waits_for_is_overtaken(deaf: Running) -> None:
    pmtui(deaf.folder, "stop", "x", "--no-wait")
    waiting = PseudoTerminal(deaf.folder, None, words=("wait", "x", "--for", "stopped"))
    try:
        waiting.shows("s: x is stopping")  # it has looked
        pmtui(deaf.folder, "start", "x", "--no-wait")
        assert waiting.ends() == 1
        waiting.shows("pmtui: x cannot be stopped: started again by the user\r\n")
    finally:
        waiting.close()


def test_a_process_without_health_check_has_started_once_it_has_run_for_half_a_second() -> None:
    young, older = (snapshot("x", uptime_seconds=seconds) for seconds in (0.499, 0.5))
    assert (judge_start(young, {}), judge_start(older, {})) == (None, GOOD)


def test_a_start_that_needs_a_stopped_process_ends(deaf: Running) -> None:
    pmtui(deaf.folder, "start", "web")
    pmtui(deaf.folder, "signal", "web", "STOP")
    assert deaf.post("/api/pm/x/stop?now=true")[0] == 200
    pmtui(deaf.folder, "signal", "web", "KILL")
    eventually(lambda: deaf.row("web")["status"] == "waiting")
    done = pmtui(deaf.folder, "wait", "web")
    assert (done.returncode, done.stderr) == (
        1,
        "pmtui: web cannot be healthy: waits for x, which is stopped; start x\n",
    )


def test_a_stop_says_at_once_who_needs_the_process(deaf: Running) -> None:
    pmtui(deaf.folder, "start", "web")
    with pmtui_in_background(deaf.folder, "stop", "x") as stop:
        assert stop.stdout
        assert stop.stdout.readline() == (
            "note: web still depends on x: the next start or restart of web starts it again\n"
        )
        assert stop.poll() is None
        pmtui(deaf.folder, "stop", "x", "--no-wait")
        pmtui(deaf.folder, "stop", "x", "--no-wait")
        assert stop.wait(DEADLINE) == 0


def test_info_says_who_keeps_a_process_up(tmp_path: Path) -> None:
    config = [
        {"id": "db", "autostart": False, **SLEEP},
        {"id": "web", "dependsOn": ["db"], **SLEEP},
        {"id": "off", "autostart": False, **SLEEP},
    ]
    with running(tmp_path, config) as manager:
        manager.wait_running(["db", "web"])

        def wanted_by(process_id: str) -> str:
            lines = pmtui(tmp_path, "info", process_id).stdout.splitlines()
            return next((line.removeprefix("wanted by").strip() for line in lines if line.startswith("wanted by")), "")

        assert [wanted_by(name) for name in ("db", "web", "off")] == ["web (depends on it)", "the config", ""]
        pmtui(tmp_path, "start", "db", "off")
        assert [wanted_by(name) for name in ("db", "off")] == ["you, web (depends on it)", "you"]
        pmtui(tmp_path, "stop", "off")
        assert wanted_by("off") == ""


@pytest.mark.parametrize("words", [("start", "web"), ("restart", "web"), ("wait", "web")])
def test_the_root_cause_is_on_stderr_with_its_last_lines(tmp_path: Path, words: tuple[str, ...]) -> None:
    with running(tmp_path, CHAIN) as manager:
        manager.wait_until_served()
        done = pmtui(tmp_path, *words)
    assert done.returncode == 1
    head, *lines = [line for line in without_progress(done.stderr).splitlines() if "cannot be" not in line]
    assert head.startswith("pmtui: db is failed: broken (exit 3 after")
    assert lines == ["  first", "  broken"]


def test_bulk_operations_can_wait_for_all_outcomes(tmp_path: Path) -> None:
    config = [*CHAIN, {"id": "other", "autostart": False, **SLEEP}]
    with running(tmp_path, config) as manager:
        manager.wait_until_served()
        status, answer = manager.post("/api/pm/start?wait=true", {"ids": ["other", "web"]})
        assert (status, answer["results"][0]) == (200, {"id": "other", "ok": True, "message": ""})
        assert answer["results"][1]["message"].startswith("Process 'web' is failed: api has failed: db has failed: ")
        assert manager.row("other")["status"] == "running"


def test_a_process_that_a_reload_adds_brings_up_what_it_depends_on(tmp_path: Path) -> None:
    db = {"id": "db", "autostart": False, **SLEEP}
    with running(tmp_path, [db]) as manager:
        manager.wait_until_served()
        (tmp_path / "pb_processes.json").write_text(json.dumps([db, {"id": "web", "dependsOn": ["db"], **SLEEP}]))
        assert pmtui(tmp_path, "reload").returncode == 0
        assert pmtui(tmp_path, "wait", "web").returncode == 0
        assert (manager.row("db")["wantedBy"], manager.row("db")["wantedFor"]) == ("dependent", "web")


@pytest.mark.parametrize("timeout", ["0", "300ms"])
def test_a_start_that_takes_too_long_is_exit_code_124(tmp_path: Path, timeout: str) -> None:
    slow = {"id": "slow", "health": {"tcp": "127.0.0.1:9", "startPeriod": "10m"}, "autostart": False, **SLEEP}
    with running(tmp_path, [slow]) as manager:
        manager.wait_until_served()
        done = pmtui(tmp_path, "start", "slow", "--timeout", timeout)
    assert done.returncode == 124
    assert done.stdout.startswith("✖ slow  ◐ starting")
    assert done.stderr.startswith("pmtui: slow is starting: ")


def test_a_stop_that_takes_too_long_is_exit_code_124(deaf: Running) -> None:
    done = pmtui(deaf.folder, "stop", "x", "--timeout", "0")
    assert (done.returncode, done.stdout) == (124, "✖ x  ◑ stopping\n")


def test_a_process_removed_from_the_config_ends_its_waits(deaf: Running) -> None:
    pmtui(deaf.folder, "stop", "x", "--no-wait")
    with pmtui_in_background(deaf.folder, "start", "x") as start:
        eventually(lambda: deaf.row("x")["wantedBy"] == "user")
        (deaf.folder / "pb_processes.json").write_text("[]")
        pmtui(deaf.folder, "reload")
        assert start.wait(DEADLINE) == 1


def test_commands_do_not_wait_for_a_manager_that_does_not_answer(deaf: Running, monkeypatch: Any) -> None:
    monkeypatch.setattr(http_client, "POST_TIMEOUT", 0.2)
    os.kill(deaf.pid, signal.SIGSTOP)
    try:
        with (
            http_client.HttpClient(locate_manager(deaf.folder / "pb_processes.json", None, {})) as client,
            pytest.raises(UnavailableError, match="does not answer"),
        ):
            client.post("/api/pm/stop", Results, {"ids": ["x"]}, wait="false")
    finally:
        os.kill(deaf.pid, signal.SIGCONT)
