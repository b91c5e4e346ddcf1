"""Hooks: programs and webhooks that receive events."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.model import Health, HookEvent, Settings
from pmtui.monitors import hooks
from pmtui.monitors.hooks import RateLimiter
from tests.eventually import DEADLINE, complete_lines, eventually_async
from tests.managed import managed, running, sh, until
from tests.servers import web


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give hooks as long as they need."""
    monkeypatch.setattr(hooks, "HOOK_TIMEOUT", DEADLINE)


def note(folder: Path, *events: HookEvent) -> Settings:
    """Return settings whose hooks append stdin to a file named after the event."""
    argv = ["sh", "-c", f"cat >> {folder}/$PMTUI_EVENT"]
    return Settings(hooks=dict.fromkeys(events, argv))


def told(folder: Path, event: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in complete_lines(folder / event)]


async def test_a_crash_is_reported_as_json_on_stdin(tmp_path: Path) -> None:
    config = sh("a", "exit 3", backoff=600, env={"API_TOKEN": "hunter22"})
    async with managed(config, settings=note(tmp_path, "crash", "failed")):
        await eventually_async(lambda: told(tmp_path, "crash"))
        (payload,) = told(tmp_path, "crash")
        assert (payload["event"], payload["id"], payload["status"], payload["exitCode"]) == ("crash", "a", "crashed", 3)
        assert payload["lastError"].startswith("exit 3 after ")
        assert payload["heldBack"] == 0
        assert told(tmp_path, "failed") == []
        assert "hunter22" not in (tmp_path / "crash").read_text()


async def test_a_crash_after_a_long_run_is_reported_too(tmp_path: Path) -> None:
    async with managed(sh("a", "sleep 600", healthy_after=0), settings=note(tmp_path, "crash")) as manager:
        first = await running(manager)
        await until(manager, lambda now: now.uptime_seconds > 0)
        os.kill(first.pid, signal.SIGSEGV)
        await eventually_async(lambda: told(tmp_path, "crash"))


@pytest.mark.parametrize("line", ["exit 0", "exit 7"])
async def test_a_successful_exit_and_a_stop_are_not_reported(tmp_path: Path, line: str) -> None:
    configs = [
        sh("a", line, restart="on-failure", success_exit_codes=[0, 7]),
        sh("b", "sleep 600"),
        sh("c", "exit 1", backoff=600),
    ]
    async with managed(*configs, settings=note(tmp_path, "crash", "failed")) as manager:
        await running(manager, "b")
        await manager.bulk("stop", ["b"])
        await eventually_async(lambda: told(tmp_path, "crash"))
        assert [payload["id"] for payload in told(tmp_path, "crash")] == ["c"]
        assert told(tmp_path, "failed") == []


async def test_failed_is_reported(tmp_path: Path) -> None:
    async with managed(sh("a", "exit 3", max_retries=1, backoff=0.01), settings=note(tmp_path, "failed")):
        await eventually_async(lambda: told(tmp_path, "failed"))
        (payload,) = told(tmp_path, "failed")
        assert (payload["status"], payload["failures"]) == ("failed", 2)


async def test_an_unhealthy_process_and_its_recovery_are_reported(tmp_path: Path) -> None:
    async with web() as site:
        health = Health(http=site.url, interval=0.02, timeout=DEADLINE, start_period=0, failure_threshold=1)
        settings = note(tmp_path, "unhealthy", "recovered", "crash")
        config = sh("a", "sleep 600", health=health, backoff=0.3, max_retries=-1)
        async with managed(config, settings=settings) as manager:
            await running(manager)
            site.status = "500 Internal Server Error"
            await eventually_async(lambda: told(tmp_path, "unhealthy"))
            site.status = "200 OK"
            await eventually_async(lambda: told(tmp_path, "recovered"))
            (payload,) = told(tmp_path, "recovered")
            assert (payload["status"], payload["health"]) == ("running", "healthy")
            assert told(tmp_path, "crash") == []


async def test_a_process_without_a_health_check_has_recovered_after_a_while(tmp_path: Path) -> None:
    line = f"[ -e {tmp_path}/once ] && exec sleep 600; touch {tmp_path}/once; exit 1"
    config = sh("a", line, backoff=0.01, healthy_after=0.2)
    async with managed(config, settings=note(tmp_path, "recovered")):
        await eventually_async(lambda: told(tmp_path, "recovered"))
        assert told(tmp_path, "recovered")[0]["uptimeSeconds"] > 0.2


async def test_a_webhook_receives_the_same() -> None:
    async with web() as site:
        settings = Settings(hooks={"crash": f"{site.url}/T000/secret"})
        async with managed(sh("a", "exit 3", backoff=600), settings=settings):
            await eventually_async(lambda: site.requests)
            head, body = site.requests[0].split("\r\n\r\n")
            assert head.startswith("POST /T000/secret HTTP/1.1")
            assert json.loads(body)["event"] == "crash"


async def test_a_failing_hook_is_logged_once_and_without_its_url(caplog: pytest.LogCaptureFixture) -> None:
    async with web() as site:
        site.status = "410 Gone"
        settings = Settings(hooks={"crash": f"{site.url}/secret"})
        configs = [sh(name, "exit 3", backoff=600) for name in ("a", "b")]
        async with managed(*configs, settings=settings):
            await eventually_async(lambda: len(site.ended) == 2 and caplog.messages)
    assert caplog.messages in (["hook for crash of a: 410 Gone"], ["hook for crash of b: 410 Gone"])


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        (["sh", "-c", "echo no such room >&2; exit 5"], "exit 5: no such room"),
        (["sh", "-c", "sleep 600"], "not finished within 0.2 s"),
        ("http://127.0.0.1:1/", "Connection refused"),
    ],
)
async def test_the_error_of_a_hook_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, hook: Any, why: str
) -> None:
    if "0.2" in why:
        monkeypatch.setattr(hooks, "HOOK_TIMEOUT", 0.2)
    settings = Settings(hooks={"crash": hook})
    async with managed(sh("a", "exit 3", backoff=600), settings=settings):
        await eventually_async(lambda: caplog.messages)
        assert caplog.messages == [f"hook for crash of a: {why}"]


async def test_a_crash_loop_does_not_flood_hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MIN_HOOK_INTERVAL", 3600.0)
    config = sh("a", "exit 3", backoff=0, max_retries=20)
    async with managed(config, settings=note(tmp_path, "crash", "failed")) as manager:
        await eventually_async(lambda: told(tmp_path, "crash") and told(tmp_path, "failed"))
        assert len(told(tmp_path, "crash")) == 1
        assert manager.supervisor.processes["a"].crashes == 21


def test_events_held_back_are_counted_in_the_next_one() -> None:
    limiter = RateLimiter(10)
    assert limiter.admit("a", "crash", 0) == 0
    assert limiter.admit("a", "crash", 1) is None
    assert limiter.admit("a", "crash", 9.9) is None
    assert limiter.admit("b", "crash", 9.9) == 0
    assert limiter.admit("a", "failed", 9.9) == 0
    assert limiter.admit("a", "crash", 10) == 2
    assert limiter.admit("a", "crash", 20) == 0


async def test_hooks_do_not_get_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMTUI_TOKEN", "do-not-tell")
    settings = Settings(
        hooks={"crash": ["sh", "-c", f"env > {tmp_path}/env.new; mv {tmp_path}/env.new {tmp_path}/env"]}
    )
    async with managed(sh("a", "exit 3", backoff=600), settings=settings):
        await eventually_async(lambda: (tmp_path / "env").exists())
    assert "do-not-tell" not in (tmp_path / "env").read_text()
