"""Processes that report by sd_notify: readiness, status, watchdog, main process, and who may report."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.model import Health, ProcessConfig
from pmtui.control import Reason, Status
from pmtui.manager import Manager
from tests.eventually import DEADLINE, eventually_async
from tests.managed import managed, row, running, until

PROGRAM = """
import os, signal, socket, subprocess, sys, time
# Why: a handler that is set before `time.sleep` runs only after it, if the signal comes in between.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
def say(text):
    out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    out.sendto(text.encode(), "\\0" + os.environ["NOTIFY_SOCKET"][1:])
"""


def notifying(body: str, process_id: str = "a", **fields: Any) -> ProcessConfig:
    """Configure a Python program that can `say` something to its manager, and take its time for that."""
    health = fields.pop("health", Health(notify=True, interval=30.0, start_period=DEADLINE))
    argv = ["-c", PROGRAM + body]
    return ProcessConfig(id=process_id, command=sys.executable, args=argv, health=health, **fields)


def address_of(manager: Manager, process_id: str = "a") -> str:
    prepared = manager.supervisor.processes[process_id].prepared
    assert prepared
    return "\0" + prepared.launch.env["NOTIFY_SOCKET"][1:]


async def test_a_process_is_ready_when_it_says_so_and_its_status_is_its_reason(tmp_path: Path) -> None:
    go = tmp_path / "go"
    body = (
        f"say('STATUS=loading 3 of 9')\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\n"
        "say('READY=1\\nSTATUS=serving\\nUNKNOWN=1')\ntime.sleep(600)"
    )
    async with managed(notifying(body)) as manager:
        loading = await until(manager, lambda now: now.reason == "loading 3 of 9")
        assert (loading.status, loading.ready) == (Status.STARTING, False)
        go.touch()
        now = await running(manager)
        assert (now.ready, now.health) == (True, "healthy")
        await until(manager, lambda now: now.reason == "serving")


async def test_a_child_may_report_for_its_process() -> None:
    program = PROGRAM + "say('READY=1'); time.sleep(600)"
    body = f"subprocess.Popen([sys.executable, '-c', {program!r}], start_new_session=True)\ntime.sleep(600)"
    async with managed(notifying(body)) as manager:
        assert (await running(manager)).ready


async def test_a_stranger_may_not_report_and_a_process_not_for_another_one() -> None:
    silent = notifying("time.sleep(600)", "a")
    other = notifying("say('READY=1\\nSTATUS=mine'); time.sleep(600)", "b")
    async with managed(silent, other) as manager:
        await running(manager, "b")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"READY=1\nSTATUS=forged", address_of(manager))
            stranger.sendto(b"STATUS=forged", address_of(manager, "b"))
        # What "b" says now comes after both: the messages of one socket stay in order.
        await manager.restart("b")
        await until(manager, lambda now: now.restart_count == 1 and now.ready, "b")
        now = await row(manager)
        assert (now.status, now.reason) == (Status.STARTING, "")
        assert (await row(manager, "b")).reason == "mine"


async def test_a_watchdog_that_is_late_restarts_the_process_but_only_once_it_has_begun() -> None:
    late = Health(notify=True, interval=0.4, start_period=0.0)
    beating = notifying("say('READY=1\\nWATCHDOG=1'); time.sleep(600)", "a", health=late, max_retries=-1, backoff=0.01)
    often = Health(notify=True, interval=0.1, timeout=DEADLINE, start_period=DEADLINE)
    quiet = notifying("say('READY=1'); time.sleep(600)", "b", health=often)
    async with managed(beating, quiet) as manager:
        # On a slow machine it is also restarted because it is not ready at once.
        restarted = await until(manager, lambda now: now.restart_reason and "no WATCHDOG=1 for" in now.reason)
        assert restarted.restart_reason is Reason.HEALTH
        probes = manager.supervisor.processes["b"].probes
        await eventually_async(lambda: [probe.message for probe in probes].count("ready") > 10)
        assert {probe.message for probe in probes} <= {"no READY=1 so far", "ready"}
        assert (await row(manager, "b")).restart_count == 0
        prepared = manager.supervisor.processes["a"].prepared
        assert prepared
        assert prepared.launch.env["WATCHDOG_USEC"] == "400000"


async def test_the_main_process_is_the_one_that_is_named_if_it_is_in_the_tree() -> None:
    body = (
        "pid = os.fork()\n"
        "if not pid:\n"
        "    say(f'MAINPID={os.getpid()}\\nREADY=1')\n"
        "signal.sigwait({signal.SIGUSR1})\n"
        "say('STATUS=parent' if pid else 'STATUS=child')\n"
        "time.sleep(600)"
    )
    forged = notifying(f"say('MAINPID={os.getpid()}\\nREADY=1'); time.sleep(600)", "b")
    async with managed(notifying(body), forged) as manager:
        await running(manager)
        process = manager.supervisor.processes["a"]
        await eventually_async(lambda: process.main_pid != process.pid)
        assert (await row(manager)).pid == process.main_pid
        await manager.signal("a", "USR1")
        await until(manager, lambda now: now.reason == "child")
        assert (await running(manager, "b")).pid == manager.supervisor.processes["b"].pid


async def test_a_process_that_says_it_stops_is_no_longer_ready() -> None:
    body = "say('READY=1'); signal.sigwait({signal.SIGUSR1}); say('STOPPING=1'); time.sleep(600)"
    async with managed(notifying(body, stop_timeout=DEADLINE)) as manager:
        await until(manager, lambda now: now.ready)
        await manager.signal("a", "USR1")
        now = await until(manager, lambda now: not now.ready)
        assert (now.status, now.restart_count) == (Status.RUNNING, 0)


async def test_a_process_that_says_it_stops_has_to_end_in_time() -> None:
    body = "say('READY=1'); say('STOPPING=1'); time.sleep(600)"
    health = Health(notify=True, interval=0.2, start_period=0.0)
    config = notifying(body, stop_timeout=0.5, health=health, max_retries=-1, backoff=0.01)
    async with managed(config) as manager:
        # On a slow machine it is also restarted because it is not ready at once.
        late = "has not ended within 0.5 s of STOPPING=1"
        restarted = await until(manager, lambda now: now.restart_reason and late in now.reason)
        assert restarted.restart_reason is Reason.HEALTH


async def test_a_file_that_exists_makes_a_process_ready(tmp_path: Path) -> None:
    health = Health(file="ready", interval=0.1, start_period=DEADLINE)
    config = ProcessConfig(id="a", command="sleep 600", cwd=str(tmp_path), health=health)
    async with managed(config) as manager:
        await until(manager, lambda now: now.health == "starting")
        assert (await row(manager)).status is Status.STARTING
        (tmp_path / "ready").touch()
        assert (await running(manager)).ready


@pytest.mark.parametrize("variable", ["NOTIFY_SOCKET", "WATCHDOG_USEC"])
async def test_a_process_that_is_not_to_report_learns_of_no_socket(variable: str) -> None:
    async with managed(ProcessConfig(id="a", command="sleep 600")) as manager:
        await running(manager)
        prepared = manager.supervisor.processes["a"].prepared
        assert prepared
        assert variable not in prepared.launch.env
