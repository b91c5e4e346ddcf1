"""Health checks, on a fake clock and with real processes."""

import asyncio
import os
import signal
from typing import Any

import pytest

from pmtui.config.model import MIN_CHECK_INTERVAL, Health
from pmtui.control import Reason, Status
from pmtui.monitors.health import checks as health_module
from pmtui.monitors.health import probes
from pmtui.monitors.health.checks import HealthCheck, HealthTracker, Verdict, effective_rules, next_due
from pmtui.monitors.health.probes import ProbeError
from pmtui.spawner.usage import NO_USAGE
from pmtui.supervisor.process import Process
from pmtui.supervisor.snapshot import snapshot
from tests.eventually import DEADLINE, eventually_async, is_alive
from tests.managed import STOPPED, managed, row, running, sh, until
from tests.servers import free_port, web

HTTP = Health(http="http://127.0.0.1:1/", interval=30, start_period=10)
BORN = 1000.0


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not take a slow machine for one that was suspended."""
    monkeypatch.setattr(health_module, "SUSPEND_THRESHOLD", DEADLINE)


def asking(url: str, **fields: Any) -> Health:
    """Configure a check by HTTP that no slow machine fails."""
    return Health(http=url, **{"interval": 0.05, "timeout": DEADLINE, "start_period": DEADLINE} | fields)


def judge(results: str, judge: HealthTracker, start: float = BORN + 100) -> list[Verdict | None]:
    """Return the verdicts on successes (+) and failures (-), one a second."""
    return [judge.record(result == "+", start + second) for second, result in enumerate(results)]


def test_one_success_makes_it_ready() -> None:
    run = HealthTracker(HTTP, BORN)
    assert (run.status, run.is_ready) == ("starting", False)
    assert judge("-+", run, BORN) == [None, Verdict.READY]
    assert (run.status, run.is_ready) == ("healthy", True)


def test_consecutive_failures_make_it_unhealthy() -> None:
    assert judge("+--+---", HealthTracker(HTTP, BORN)) == [
        Verdict.READY,
        None,
        None,
        None,
        None,
        None,
        Verdict.UNHEALTHY,
    ]


def test_failures_count_only_once_the_start_period_is_over() -> None:
    run = HealthTracker(HTTP, BORN)
    assert judge("-" * 12, run, BORN) == [None] * 12
    assert run.status == "starting"
    assert run.record(False, BORN + 12) is Verdict.UNHEALTHY
    assert run.failure_summary == "not ready after 10 s"


def test_it_is_checked_every_second_until_the_first_success() -> None:
    run = HealthTracker(HTTP, BORN)
    assert run.interval == 1
    run.record(True, BORN)
    assert run.interval == 30
    assert HealthTracker(Health(tcp="a:1", interval=0.2), BORN).interval == 0.2


def test_after_an_unhealthy_run_it_takes_several_successes_to_be_healthy_again() -> None:
    run = HealthTracker(HTTP, BORN, was_unhealthy=True)
    assert run.record(True, BORN) is Verdict.READY
    assert (run.status, run.is_ready) == ("unhealthy", True)
    assert run.record(False, BORN) is None
    assert run.record(True, BORN) is None
    assert run.record(True, BORN) is Verdict.RECOVERED
    assert run.status == "healthy"


def test_silence_fails_at_the_first_check() -> None:
    rules = effective_rules(Health(silence=300, interval=30))
    assert (rules.failure_threshold, rules.interval) == (1, 30)
    assert effective_rules(Health(silence=10, interval=30)).interval == 5
    assert effective_rules(HTTP) == HTTP
    assert effective_rules(Health(silence=0.01, interval=0.001)).interval == MIN_CHECK_INTERVAL


@pytest.mark.parametrize(
    ("now", "turn"), [(100.0, 110.0), (109.9, 110.0), (110.0, 120.0), (155.0, 160.0), (90.0, 110.0)]
)
def test_missed_turns_are_skipped(now: float, turn: float) -> None:
    assert next_due(100.0, 10.0, now) == turn


class Script:
    """Answers from a list of messages and errors, then never again."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = [*answers]
        self.asked = 0
        self.at_once = self.most = 0

    async def check(self) -> str:
        self.asked += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if not self.answers:
                await asyncio.Event().wait()
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.at_once -= 1

    def close(self) -> None:
        pass


async def results_of(probe: Script, count: int, **fields: Any) -> list[tuple[bool, str, Verdict | None]]:
    told: list[tuple[bool, str, Verdict | None]] = []
    health = Health(tcp="a:1", **{"interval": 0.01, "timeout": 0.05, "start_period": 0} | fields)
    checkup = HealthCheck(
        "a",
        health,
        probe,
        HealthTracker(health, 0.0),
        lambda result, news: told.append((result.ok, result.message, news)),
    )
    await eventually_async(lambda: len(told) >= count)
    checkup.close()
    return told[:count]


async def test_every_result_is_reported_with_its_message() -> None:
    probe = Script("200 OK", ProbeError("503 Service Unavailable"), ConnectionRefusedError(111, "Connect call failed"))
    assert await results_of(probe, 4) == [
        (True, "200 OK", Verdict.READY),
        (False, "503 Service Unavailable", None),
        (False, "Connection refused", None),
        (False, "no answer within 0.05 s", Verdict.UNHEALTHY),
    ]


async def test_checks_of_one_run_never_overlap() -> None:
    probe = Script()
    await results_of(probe, 3)
    assert probe.asked >= 3
    assert probe.most == 1


async def test_a_failure_during_a_suspend_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 0.0, 3600.0] + [3600.0] * 1000)  # sleeps before the suspend, checks during it
    monkeypatch.setattr(health_module, "boottime", lambda: next(clock))
    (first, second) = await results_of(Script(), 2, failure_threshold=1)
    assert first == (False, "no answer within 0.05 s; not counted: the machine or the manager was suspended", None)
    assert second == (False, "no answer within 0.05 s", Verdict.UNHEALTHY)


async def test_a_check_due_during_a_suspend_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 3600.0] + [3600.0] * 1000)
    monkeypatch.setattr(health_module, "boottime", lambda: next(clock))
    probe = Script("first")
    assert (await results_of(probe, 1))[0][1] == "first"


async def test_a_process_is_starting_until_its_check_succeeds() -> None:
    async with web() as site:
        site.status = "503 Service Unavailable"
        async with managed(sh("a", "sleep 600", health=asking(site.url, interval=0.5))) as manager:
            await eventually_async(lambda: manager.supervisor.processes["a"].probes)
            waiting = await row(manager)
            assert (waiting.status, waiting.stage, waiting.health, waiting.ready) == (
                Status.STARTING,
                "waiting-for-health",
                "starting",
                False,
            )
            site.status = "302 Found"
            now = await running(manager)
            assert (now.health, now.ready, now.stage) == ("healthy", True, None)
            probes = (await manager.get("a")).probes
            assert (probes[0].ok, probes[0].message) == (False, "503 Service Unavailable")
            assert (probes[-1].ok, probes[-1].message) == (True, "302 Found")
            assert probes[-1].latency_ms > 0


async def test_an_unhealthy_process_is_restarted_as_after_a_crash() -> None:
    async with web() as site:
        health = asking(site.url, start_period=0)
        async with managed(sh("a", "sleep 600", health=health, backoff=0.01, max_retries=-1)) as manager:
            first = await running(manager)
            site.status = "500 Internal Server Error"
            again = await until(manager, lambda now: now.restart_count)
            assert not is_alive(first.pid)
            why = "3 failed checks in a row: 500 Internal Server Error"
            assert again.restart_reason is Reason.HEALTH
            told = [(event.to, event.reason) for event in await manager.history("a")]
            assert told[2:5] == [
                (Status.STOPPING, why),
                (Status.CRASHED, f"{why}, try 1"),
                (Status.STARTING, f"health: {why}"),
            ]
            site.status = "200 OK"
            await until(manager, lambda now: now.health == "healthy")


async def test_a_process_that_is_never_ready_fails_in_the_end() -> None:
    address = f"127.0.0.1:{free_port()}"
    health = Health(tcp=address, interval=0.02, timeout=DEADLINE, start_period=0.1, failure_threshold=1)
    async with managed(sh("a", "sleep 600", health=health, max_retries=0)) as manager:
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        assert failed.last_error == "not ready after 0.1 s: Connection refused"
        assert (failed.health, failed.pid) == (None, 0)


async def test_health_is_shown_only_while_it_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for an end may look at the process before the checks have."""
    async with web() as site, managed(sh("a", "sleep 600", health=asking(site.url))) as manager:
        supervisor, shown = manager.supervisor, list[tuple[Status, str | None]]()
        await until(manager, lambda now: now.health == "healthy")
        publish = supervisor.process_changed

        def changed(process: Process) -> None:
            publish(process)
            shown.append((process.status, snapshot(process, NO_USAGE).health))

        monkeypatch.setattr(supervisor, "process_changed", changed)
        await manager.stop("a")
        await manager.wait("a", STOPPED)
        assert {*shown} == {(Status.STOPPING, None), (Status.STOPPED, None)}


async def test_the_checks_end_with_the_run() -> None:
    def checks() -> int:
        return [task.get_name() for task in asyncio.all_tasks()].count("health of a")

    async with web() as site, managed(sh("a", "sleep 600", health=asking(site.url))) as manager:
        await running(manager)
        assert checks() == 1
        await manager.stop("a")
        assert (await manager.wait("a", STOPPED)).health is None
        await eventually_async(lambda: checks() == 0)
        await manager.start("a")
        await running(manager)
        assert checks() == 1


async def test_a_dependent_waits_for_health() -> None:
    async with web() as site:
        site.status = "503 Service Unavailable"
        configs = [sh("a", "sleep 600", depends_on={"b": None}), sh("b", "sleep 600", health=asking(site.url))]
        async with managed(*configs) as manager:
            await eventually_async(lambda: site.requests)
            assert (await row(manager)).reason == "waits for b (healthy): it is starting"
            site.status = "204 No Content"
            await running(manager)


async def test_a_log_line_makes_it_ready_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "LOG_MATCH_TIMEOUT", DEADLINE)
    health = Health(log=r"^Listening on \d+$", timeout=DEADLINE)
    config = sh("a", "echo starting; echo 'Listening on 80'; sleep 600", health=health)
    async with managed(config) as manager:
        await running(manager)
        assert [(probe.ok, probe.message) for probe in (await manager.get("a")).probes] == [
            (True, "a line has matched")
        ]


async def test_only_lines_of_the_current_run_count() -> None:
    config = sh("a", "sleep 600", autostart=False, health=Health(log="up", interval=0.05))
    async with managed(config) as manager:
        process = manager.supervisor.processes["a"]
        process.log.start_run(0)
        process.log.sink("stdout").feed(b"up\n")
        await manager.start("a")
        await eventually_async(lambda: process.probes)
        assert (process.status, process.probes[0].message) == (Status.STARTING, "no line has matched so far")


async def test_silence_is_unhealthy() -> None:
    health = Health(silence=0.2, start_period=0)
    async with managed(sh("a", "echo up; sleep 600", health=health, backoff=0.01)) as manager:
        again = await until(manager, lambda now: now.restart_count)
        assert again.restart_reason is Reason.HEALTH
        starts = [event.reason for event in await manager.history("a") if event.to is Status.STARTING]
        assert starts[1].startswith("health: ")
        assert "no output for" in starts[1]


async def test_a_successful_command_makes_it_ready_and_a_hanging_one_is_killed_with_its_tree() -> None:
    quick = Health(command=["sh", "-c", "echo fine"], interval=0.05, timeout=DEADLINE)
    seconds = f"611.{os.getpid()}"  # no other run of the tests has sleepers like ours
    hanging = Health(command=["sh", "-c", f"setsid sleep {seconds} & sleep {seconds}"], interval=0.05, timeout=0.1)
    async with managed(sh("a", "sleep 600", health=quick), sh("b", "sleep 600", health=hanging)) as manager:
        await running(manager)
        assert (await manager.get("a")).probes[0].message == "fine"
        process = manager.supervisor.processes["b"]
        await eventually_async(lambda: len(process.probes) >= 2)
        assert process.probes[0].message == "no answer within 0.1 s"
        await manager.stop("b")
        await manager.wait("b", STOPPED)
        await eventually_async(lambda: not sleepers(seconds))


def sleepers(seconds: str) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", seconds.encode()] and is_alive(int(name)):
            found.append(int(name))
    return found


async def test_an_invalid_check_says_so() -> None:
    health = Health(log="(?<=a)b", start_period=0, failure_threshold=1)
    async with managed(sh("a", "sleep 600", health=health, max_retries=0)) as manager:
        failed = await manager.wait("a", frozenset({Status.FAILED}))
        assert "invalid health check" in failed.last_error


async def test_a_killed_process_has_crashed_and_is_not_unhealthy() -> None:
    async with web() as site:
        config = sh("a", "sleep 600", health=asking(site.url), backoff=0.01)
        async with managed(config) as manager:
            first = await running(manager)
            os.kill(first.pid, signal.SIGKILL)
            again = await until(manager, lambda now: now.restart_count)
            assert again.restart_reason is Reason.CRASH
