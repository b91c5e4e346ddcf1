"""The manager with real processes."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pmtui import Manager, ProcessConfig
from pmtui.config.model import Condition, Health, Limits, Settings
from pmtui.control import (
    ConflictError,
    InvalidError,
    NotFoundError,
    ProcessEvent,
    Reason,
    Result,
    Snapshot,
    Status,
    UnavailableError,
)
from pmtui.supervisor.events import Start
from tests.eventually import DEADLINE, eventually_async, eventually_awaited, is_alive
from tests.managed import SLEEP, STOPPED, STUBBORN, managed, ready, row, running, sh, texts, until


async def test_a_registered_process_runs_and_is_listed() -> None:
    async with managed(ProcessConfig(id="a", command="sleep", args=["600"], group="g")) as manager:
        await running(manager)
        now = await row(manager)
        assert is_alive(now.pid)
        assert (now.status, now.ready, now.restart_count, now.group) == (Status.RUNNING, True, 0, "g")
        assert (now.command, now.last_error, now.exit_code) == (f"{shutil.which('sleep')} 600", "", None)
        assert now.start_time is not None

        async def memory() -> int:
            return (await row(manager)).memory

        await eventually_awaited(memory)  # none if measured before the program was executed


async def test_processes_are_listed_in_order_of_registration() -> None:
    async with managed(*(sh(name, SLEEP) for name in ("c", "a", "b"))) as manager:
        assert [row.id for row in await manager.list()] == ["c", "a", "b"]


async def test_a_process_without_autostart_waits_until_it_is_started() -> None:
    async with managed(sh("a", SLEEP, autostart=False)) as manager:
        assert (await row(manager)).status is Status.STOPPED
        await manager.start("a")
        assert (await running(manager)).restart_count == 0


async def test_a_process_can_be_registered_while_the_manager_runs() -> None:
    async with managed() as manager:
        manager.register(sh("late", SLEEP))
        await running(manager, "late")
        with pytest.raises(ValueError, match="'late' is registered already"):
            manager.register(sh("late", SLEEP))


async def test_a_stop_ends_the_tree_and_a_start_makes_a_new_run() -> None:
    async with managed(sh("a", "sleep 600 & sleep 600")) as manager:
        first = await running(manager)
        await manager.stop("a")
        stopped = await manager.wait("a", STOPPED)
        assert (stopped.pid, stopped.signal, is_alive(first.pid)) == (0, "SIGTERM", False)
        await manager.start("a")
        again = await running(manager)
        assert (again.restart_count, again.restart_reason) == (1, Reason.USER)


async def test_start_does_nothing_to_a_running_process() -> None:
    async with managed(sh("a", SLEEP)) as manager:
        pid = (await running(manager)).pid
        await manager.start("a")
        assert (await row(manager)).pid == pid


async def test_crashes_are_retried_with_growing_delays_and_end_in_failed() -> None:
    async with managed(sh("a", "exit 3", max_retries=2, backoff=0.05)) as manager:
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        assert (failed.failures, failed.restart_count, failed.exit_code) == (3, 2, 3)
        assert failed.last_error.startswith("exit 3 after ")
        exits = (await manager.get("a")).exits
        assert [(exit.run, exit.code) for exit in exits] == [(1, 3), (2, 3), (3, 3)]


async def test_the_reason_comes_before_the_exit_code() -> None:
    says = "echo nothing; echo the token $API_TOKEN is wrong >&2; echo >&2; exit 3"
    async with managed(sh("a", says, max_retries=0, env={"API_TOKEN": "hunter22"})) as manager:
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        assert re.fullmatch(r"the token \*+ is wrong \(exit 3 after \d+\.\d s\)", failed.last_error)
        assert failed.reason == failed.last_error


@pytest.mark.parametrize(
    "code", ["raise ValueError('no queue')", "import os, sys; print('ValueError: no queue'); os.abort()"]
)
async def test_the_reason_of_a_crash_is_the_message_of_the_exception(code: str) -> None:
    program = f"{sys.executable} -c {shlex.quote(code)}; code=$?; echo INFO: goodbye >&2; exit $code"
    async with managed(sh("a", program, max_retries=0)) as manager:
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        assert failed.last_error.startswith("ValueError: no queue (exit ")
        assert [ended.reason for ended in (await manager.get("a")).exits] == ["ValueError: no queue"]


async def test_a_program_that_aborts_itself_has_a_reason() -> None:
    async with managed(sh("a", "echo 'FATAL ERROR: heap limit reached' >&2; kill -ABRT $$", backoff=600)) as manager:
        crashed = await manager.wait("a", frozenset({Status.CRASHED}))
        assert crashed.last_error.startswith("FATAL ERROR: heap limit reached (SIGABRT after ")


async def test_a_signal_needs_no_stderr_line() -> None:
    async with managed(sh("a", "echo all is well >&2; kill -9 $$", backoff=600)) as manager:
        crashed = await manager.wait("a", frozenset({Status.CRASHED}))
        assert crashed.last_error.startswith("SIGKILL after ")
        assert crashed.reason == f"{crashed.last_error}, try 1 of 10"


async def test_a_crash_says_when_the_next_try_is() -> None:
    async with managed(sh("a", "exit 1", backoff=60)) as manager:
        crashed = await manager.wait("a", frozenset({Status.CRASHED}))
        assert crashed.pid == 0
        assert crashed.next_start is not None
        assert crashed.reason.endswith("s, try 1 of 10")
        await manager.restart("a")
        assert (await until(manager, lambda now: now.restart_count == 1)).restart_reason is Reason.USER


async def test_the_last_lines_of_a_run_are_kept() -> None:
    async with managed(sh("a", "echo to out; echo first >&2; printf last >&2; exit 1", max_retries=0)) as manager:
        await manager.wait("a", frozenset({Status.FAILED}))
        (exit,) = (await manager.get("a")).exits
        assert exit.lines == ["first", "last"]
        assert await texts(manager) == ["to out", "first", "last"]


async def test_a_crash_after_a_long_run_is_restarted_immediately() -> None:
    async with managed(sh("a", SLEEP, backoff=600, healthy_after=0.05)) as manager:
        first = await running(manager)
        await until(manager, lambda now: now.uptime_seconds > 1.0)
        os.kill(first.pid, signal.SIGKILL)
        again = await until(manager, lambda now: now.status is Status.RUNNING and now.pid != first.pid)
        assert (again.restart_count, again.restart_reason, again.failures) == (1, Reason.CRASH, 0)


@pytest.mark.parametrize(("policy", "code"), [("never", 0), ("never", 7), ("on-failure", 0), ("on-failure", 7)])
async def test_a_process_the_policy_does_not_restart_is_completed(policy: Any, code: int) -> None:
    async with managed(sh("a", f"exit {code}", restart=policy, success_exit_codes=[0, 7])) as manager:
        done = await manager.wait("a", frozenset({Status.COMPLETED}))
        assert (done.exit_code, done.pid, done.restart_count) == (code, 0, 0)


@pytest.mark.parametrize(
    ("line", "why"), [("echo boom >&2; exit 2", "boom (exit 2 after"), ("kill -9 $$", "SIGKILL after")]
)
async def test_a_one_shot_that_failed_is_failed_with_its_last_words(line: str, why: str) -> None:
    async with managed(sh("a", line, restart="never")) as manager:
        done = await manager.wait("a", frozenset({Status.FAILED, Status.COMPLETED}))
        assert (done.status, done.restart_count) == (Status.FAILED, 0)
        assert done.last_error.startswith(why)
        assert done.reason == done.last_error


async def test_runs_that_are_too_short_are_failures_whatever_healthy_after_says() -> None:
    async with managed(sh("a", "exit 1", healthy_after=0, backoff=0, max_backoff=0, max_retries=3)) as manager:
        started = time.monotonic()
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        assert time.monotonic() - started >= 0.3
        ends = [event.to for event in await manager.history("a") if event.to in (Status.CRASHED, Status.FAILED)]
        assert ends[-4:] == [Status.CRASHED, Status.CRASHED, Status.CRASHED, Status.FAILED]
        assert failed.failures == 4  # a run that takes a second on a busy machine only begins the count anew


async def test_a_process_that_ignores_its_signal_is_killed_in_time_and_named() -> None:
    async with managed(sh("a", STUBBORN, stop_timeout=0.2)) as manager:
        pid = await ready(manager)
        await manager.stop("a")
        stopped = await manager.wait("a", STOPPED)
        assert stopped.signal == "SIGKILL"
        assert f"had to be killed: {pid} sh" in stopped.reason


async def test_the_stop_signal_is_the_configured_one() -> None:
    async with managed(
        sh("a", "trap 'echo bye; exit 0' INT; echo up; while :; do sleep 0.02; done", stop_signal="SIGINT")
    ) as m:
        await ready(m)
        await m.stop("a")
        assert (await m.wait("a", STOPPED)).exit_code == 0
        assert await texts(m) == ["up", "bye"]


async def test_a_third_stop_kills_at_once() -> None:
    async with managed(sh("a", STUBBORN, stop_timeout=600)) as manager:
        await ready(manager)
        for _ in range(3):
            await manager.stop("a")
        assert (await manager.wait("a", STOPPED)).signal == "SIGKILL"


async def test_twenty_simultaneous_restarts_end_in_one_copy(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    note.touch()
    async with managed(sh("a", f"echo $$ >> {note}; exec sleep 600")) as manager:
        await running(manager)
        await asyncio.gather(*(manager.restart("a") for _ in range(20)))
        await running(manager)
        await until(manager, lambda now: note.read_text().split()[-1:] == [str(now.pid)])
        assert [pid for pid in map(int, note.read_text().split()) if is_alive(pid)] == [(await row(manager)).pid]


async def test_a_shutdown_does_not_shorten_a_running_stop(tmp_path: Path) -> None:
    slow = f"trap 'sleep 0.3; touch {tmp_path}/clean; exit' TERM; echo ready; while :; do sleep 0.02; done"
    async with managed(sh("a", slow)) as manager:
        await ready(manager)
        await manager.stop("a")
        await manager.stop("a")
    assert (tmp_path / "clean").exists()


async def test_a_start_during_a_stop_wins() -> None:
    async with managed(sh("a", "trap 'sleep 0.2; exit' TERM; echo up; while :; do sleep 0.02; done")) as manager:
        await ready(manager)
        first = await row(manager)
        await manager.stop("a")
        await manager.start("a")
        again = await until(manager, lambda now: now.status is Status.RUNNING and now.pid != first.pid)
        assert not is_alive(first.pid)
        assert again.restart_count == 1


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (ProcessConfig(id="a", command="/no/such/program"), "/no/such/program"),
        (ProcessConfig(id="a", command="sleep 1", cwd="/no/such/folder"), "cwd /no/such/folder does not exist"),
        (ProcessConfig(id="a", script="missing.py"), "missing.py"),
        (ProcessConfig(id="a", command="sleep", args=["a\0b"]), "null byte"),
        (ProcessConfig(id="a", command="sleep", args=["\ud800"]), "surrogates not allowed"),
        (ProcessConfig(id="a", command="sleep 1", env={"A=B": "x"}), "illegal environment variable name"),
        (ProcessConfig(id="a", command="sleep 1", user="nobody-has-this-name"), "nobody-has-this-name"),
    ],
)
async def test_a_process_that_cannot_start_says_why_and_others_run(config: ProcessConfig, words: str) -> None:
    async with managed(config, sh("b", SLEEP)) as manager:
        crashed = await manager.wait("a", frozenset({Status.CRASHED, Status.FAILED}))
        assert words in crashed.last_error
        assert (await running(manager, "b")).status is Status.RUNNING


async def test_a_fifo_as_env_file_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "env")
    async with managed(sh("a", SLEEP, env_file=[str(tmp_path / "env")]), sh("b", SLEEP)) as manager:
        assert "FIFO" in (await manager.wait("a", frozenset({Status.CRASHED}))).last_error
        await running(manager, "b")


async def test_endless_crash_loops_do_not_block_the_start() -> None:
    loops = [ProcessConfig(id=f"p{number}", command="true", backoff=0, max_retries=-1) for number in range(10)]
    async with managed(*loops) as manager:
        await asyncio.wait_for(manager.supervisor.wait_spawned(), DEADLINE)


async def test_the_environment_is_what_the_contract_says() -> None:
    settings = Settings(env={"SHARED": "s", "OWN": "from settings"})
    config = sh(
        "a", "echo $PMTUI_ID $PYTHONUNBUFFERED $PB_PORT $SHARED $OWN $PMTUI_RUN; exec sleep 600", env={"OWN": "o"}
    )
    async with managed(config, settings=settings) as manager:
        await running(manager)
        (line,) = await eventually_awaited(lambda: texts(manager))
        *words, run = line.split()
        assert words == ["a", "1", "8090", "s", "o"]
        await manager.restart("a")
        lines = await eventually_awaited(lambda: two_lines(manager))
        assert lines[1].split()[-1] != run


async def two_lines(manager: Manager) -> list[str]:
    lines = await texts(manager)
    return lines if len(lines) == 2 else []


async def test_secrets_are_masked_in_details() -> None:
    config = ProcessConfig(id="a", command="sh", args=["-c", "sleep 600 # hunter22"], env={"API_TOKEN": "hunter22"})
    async with managed(config) as manager:
        await running(manager)
        detail = await manager.get("a")
        assert "hunter22" not in str(detail)
        assert detail.env["API_TOKEN"] == "********"
        assert await manager.reveal("a", "API_TOKEN") == "hunter22"


async def test_a_signal_reaches_the_main_process() -> None:
    async with managed(sh("a", "trap 'echo got it' USR1; echo ready; while :; do sleep 0.02; done")) as manager:
        await eventually_awaited(lambda: texts(manager))
        await manager.signal("a", "usr1")
        await eventually_awaited(lambda: two_lines(manager))
        assert await texts(manager) == ["ready", "got it"]
        with pytest.raises(InvalidError, match="Unknown signal 'nonsense'"):
            await manager.signal("a", "nonsense")


async def test_a_stopped_process_cannot_be_signalled() -> None:
    async with managed(sh("a", SLEEP, autostart=False)) as manager:
        with pytest.raises(ConflictError, match="Process 'a' is not running"):
            await manager.signal("a", "SIGHUP")


async def test_an_unknown_id_is_named() -> None:
    async with managed() as manager:
        with pytest.raises(NotFoundError, match="Process 'x' not found"):
            await manager.get("x")


async def test_bulk_operations_take_globs_and_groups() -> None:
    configs = [sh("web-1", SLEEP), sh("web-2", SLEEP), sh("db", SLEEP, group="data"), sh("other", SLEEP)]
    async with managed(*configs) as manager:
        results = await manager.bulk("stop", ["web-*", "@data", "nothing"])
        assert results == [
            Result(id="web-1", ok=True, message=""),
            Result(id="web-2", ok=True, message=""),
            Result(id="db", ok=True, message=""),
            Result(id="nothing", ok=False, message="No process matches 'nothing'."),
        ]
        assert [row.status for row in await manager.list()][:3] == [Status.STOPPED] * 3
        await running(manager, "other")


async def test_every_change_is_an_event_with_its_reason() -> None:
    async with managed(sh("a", SLEEP, autostart=False)) as manager:
        events: list[ProcessEvent] = []
        listening = asyncio.create_task(collect(manager, events))
        await asyncio.sleep(0)
        await manager.start("a")
        await running(manager)
        await manager.stop("a")
        await manager.wait("a", STOPPED)
        await eventually_async(lambda: len(events) >= 4)
        listening.cancel()
        assert [(event.seq, event.from_, event.to) for event in events] == [
            (1, Status.STOPPED, Status.STARTING),
            (2, Status.STARTING, Status.RUNNING),
            (3, Status.RUNNING, Status.STOPPING),
            (4, Status.STOPPING, Status.STOPPED),
        ]
        assert await manager.history("a") == events


async def test_a_start_is_an_event_even_if_the_guardian_answers_in_the_same_turn_of_the_loop() -> None:
    async with managed(sh("a", SLEEP, autostart=False), sh("b", SLEEP)) as manager:
        b = await running(manager, "b")
        os.kill(b.pid, signal.SIGKILL)
        time.sleep(0.3)  # noqa: ASYNC251 - what the guardian says of it is read in the next turn, behind what is asked there
        await asyncio.sleep(0)
        manager.supervisor.processes["a"].handle(Start())
        time.sleep(0.3)  # noqa: ASYNC251 - and so is that a is there
        await running(manager, "a")
        told = [(event.from_, event.to) for event in await manager.history("a")]
        assert told == [(Status.STOPPED, Status.STARTING), (Status.STARTING, Status.RUNNING)]


async def test_a_failed_spawn_is_reported_from_its_start() -> None:
    async with managed(ProcessConfig(id="a", script="/nowhere/a.py", max_retries=0, autostart=False)) as manager:
        await manager.start("a")
        await manager.wait("a", frozenset({Status.FAILED}))
        told = [(event.from_, event.to) for event in await manager.history("a")]
        assert told == [(Status.STOPPED, Status.STARTING), (Status.STARTING, Status.FAILED)]


async def test_a_start_after_a_run_that_was_never_ready_is_an_event(tmp_path: Path) -> None:
    never = Health(log="never printed", start_period=DEADLINE)
    line = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    async with managed(sh("a", line, health=never, healthy_after=0.05)) as manager:
        await until(manager, lambda now: now.uptime_seconds > 1.0)
        (tmp_path / "go").touch()
        await until(manager, lambda now: now.restart_count >= 1)
        told = [(event.from_, event.to) for event in await manager.history("a")]
        assert told[:2] == [(Status.STOPPED, Status.STARTING), (Status.STARTING, Status.STARTING)]


async def collect(manager: Manager, events: list[ProcessEvent]) -> None:
    listener = manager.events()
    while True:
        events.append(await anext(listener))


async def test_a_dependent_waits_until_its_dependency_has_succeeded(tmp_path: Path) -> None:
    job = sh("job", f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done", restart="never")
    async with managed(sh("a", SLEEP, depends_on={"job": "succeeded"}), job) as manager:
        waiting = await row(manager)
        assert (waiting.status, waiting.stage) == (Status.WAITING, "checking-dependencies")
        await until(manager, lambda now: now.reason == "waits for job (succeeded): it is running")
        (tmp_path / "go").touch()
        await running(manager)


async def test_a_dependent_of_a_failed_process_fails_and_says_why() -> None:
    async with managed(
        sh("a", SLEEP, depends_on={"job": "succeeded"}), sh("job", "exit 4", restart="never")
    ) as manager:
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        assert failed.reason.startswith("job did not succeed: exit 4")


@pytest.mark.parametrize("condition", ["succeeded", "completed"])
async def test_a_task_that_others_wait_for_is_not_restarted_after_a_good_end(condition: Condition) -> None:
    job = sh("job", "exit 0")
    async with managed(job, sh("a", SLEEP, depends_on={"job": condition})) as manager:
        await running(manager)
        done = await row(manager, "job")
        assert (done.status, done.restart_count) == (Status.COMPLETED, 0)


@pytest.mark.parametrize(("code", "condition"), [(0, "succeeded"), (0, "completed"), (3, "completed")])
async def test_an_end_holds_whatever_becomes_of_the_process(code: int, condition: Condition) -> None:
    job = sh("job", f"exit {code}", restart="always", backoff=600)
    async with managed(job, sh("a", SLEEP, depends_on={"job": condition})) as manager:
        await running(manager)
        assert (await row(manager, "job")).status is Status.CRASHED


async def test_a_bad_end_is_an_end() -> None:
    async with managed(
        sh("job", "exit 4", restart="never"), sh("a", SLEEP, depends_on={"job": "completed"})
    ) as manager:
        await running(manager)
        assert (await row(manager, "job")).status is Status.FAILED


@pytest.mark.parametrize("condition", [None, "healthy"])
@pytest.mark.parametrize(
    ("code", "why"), [(0, "job is not healthy: it has completed and"), (2, "job has failed: boom (exit 2 after")]
)
async def test_a_dependency_that_ended_before_it_was_healthy_fails_its_dependents(
    code: int, why: str, condition: Condition | None
) -> None:
    job = sh("job", f"echo boom >&2; exit {code}", restart="never", health=Health(log="never printed"))
    async with managed(job, sh("a", SLEEP, depends_on={"job": condition}), sh("b", SLEEP, depends_on={"a": None})) as m:
        failed = await m.wait("a", frozenset({Status.FAILED}))
        assert failed.reason.startswith(why)
        assert (await m.wait("b", frozenset({Status.FAILED}))).reason.startswith("a has failed: job")


async def test_a_process_without_a_health_check_that_completed_was_healthy() -> None:
    async with managed(
        sh("job", "exit 0", restart="never"), sh("a", SLEEP, depends_on={"job": "healthy"}, autostart=False)
    ) as manager:
        await manager.wait("job", frozenset({Status.COMPLETED}))
        manager.supervisor.processes["a"].handle(Start())
        await running(manager)


async def test_a_start_includes_dependencies() -> None:
    async with managed(
        sh("a", SLEEP, depends_on={"b": None}, autostart=False), sh("b", SLEEP, autostart=False)
    ) as manager:
        await manager.start("a")
        await running(manager)
        assert (await row(manager, "b")).status is Status.RUNNING


async def test_dependents_are_stopped_before_their_dependencies() -> None:
    events: list[ProcessEvent] = []
    async with managed(sh("b", SLEEP), sh("a", SLEEP, depends_on={"b": None})) as manager:
        await running(manager)
        listening = asyncio.create_task(collect(manager, events))
        await asyncio.sleep(0)
    listening.cancel()
    assert [event.id for event in events if event.to is Status.STOPPED] == ["a", "b"]


async def test_shutdown_ends_everything_and_later_requests_are_refused() -> None:
    async with managed(sh("a", SLEEP), sh("b", "setsid sleep 600 & sleep 600")) as manager:
        pids = [(await running(manager, name)).pid for name in ("a", "b")]
        manager.shutdown()
        with pytest.raises(UnavailableError):
            await manager.start("a")
    assert [pid for pid in pids if is_alive(pid)] == []


async def test_a_second_shutdown_kills_at_once() -> None:
    async with managed(sh("a", STUBBORN, stop_timeout=600)) as manager:
        pid = await ready(manager)
        manager.shutdown()
        await manager.wait("a", frozenset({Status.STOPPING}))
        manager.shutdown()
    assert not is_alive(pid)


async def test_cancelling_run_ends_everything() -> None:
    manager = Manager()
    manager.register(sh("a", SLEEP))
    life = asyncio.create_task(manager.run())
    await asyncio.sleep(0)
    pid = (await running(manager)).pid
    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life
    assert not is_alive(pid)


def has_another(pid: int, now: Snapshot) -> bool:
    return now.pid not in (0, pid)


async def test_after_the_death_of_the_guardian_everything_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    async with managed(sh("a", SLEEP, backoff=0.01), sh("b", SLEEP, backoff=0.01)) as manager:
        pids = [(await running(manager, name)).pid for name in ("a", "b")]
        os.kill(manager.supervisor.spawner.guardian_pid, signal.SIGKILL)
        for name, pid in zip(("a", "b"), pids, strict=True):
            again = await until(manager, partial(has_another, pid), name)
            assert (again.restart_reason, again.restart_count) == (Reason.CRASH, 1)
        assert [pid for pid in pids if is_alive(pid)] == []
        assert len(caplog.messages) == 1


async def test_limits_apply_to_the_process_and_not_to_the_manager() -> None:
    async with managed(sh("a", "ulimit -n; exec sleep 600", limits=Limits(nofile=99), umask=0o027)) as manager:
        await running(manager)
        assert await eventually_awaited(lambda: texts(manager)) == ["99"]


async def test_cpu_and_memory_are_those_of_the_whole_tree() -> None:
    burn = f"{sys.executable} -c 'x = bytearray(50 << 20)\nwhile True: pass'"
    async with managed(sh("a", f"{burn} & wait")) as manager:
        await running(manager)
        await until(manager, lambda now: now.cpu > 1 and now.memory > 50 << 20)  # the shell itself only waits


async def test_listening_ports_of_the_tree_are_listed() -> None:
    code = "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(s.getsockname()[1]);"
    config = ProcessConfig(id="a", command=sys.executable, args=["-uc", code + "time.sleep(600)"])
    async with managed(config) as manager:
        (port,) = await eventually_awaited(lambda: texts(manager))
        assert (await until(manager, lambda now: now.ports)).ports == [int(port)]


async def test_three_hundred_processes_start_and_stop() -> None:
    async with managed(*(ProcessConfig(id=f"p{number}", command="sleep 600") for number in range(300))) as manager:
        await eventually_awaited(lambda: all_running(manager))
        await asyncio.wait_for(manager.bulk("stop", ["*"]), DEADLINE)
        assert {row.status for row in await manager.list()} == {Status.STOPPED}


async def all_running(manager: Manager) -> bool:
    return {row.status for row in await manager.list()} == {Status.RUNNING}
