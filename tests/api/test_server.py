import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from pmtui.api.http.listener import listen
from pmtui.api.server import ApiServer
from pmtui.control import Operation, Result, Status
from tests.api.wire import connected, exchange, parse, post, until_closed
from tests.eventually import DEADLINE, eventually_async, eventually_awaited
from tests.fake_control import FakeControl, snapshot
from tests.servers import free_port

HEALTH = b"GET /api/health HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n"
BODY = b'{"ids": ["web"]}'


class StuckControl(FakeControl):
    """Stops nothing, and counts the waiting requests."""

    waiting = 0

    async def stop(self, process_id: str) -> None:
        self.put(snapshot(process_id, Status.STOPPING))

    async def bulk(
        self, operation: Operation, patterns: Sequence[str], *, wait: bool | None = None
    ) -> Sequence[Result]:
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
        return []


@pytest.fixture
def control() -> StuckControl:
    return StuckControl(snapshot("web"))


@pytest.fixture
def bound(control: StuckControl) -> tuple[ApiServer, int]:
    """Return a server that does not serve yet, and its port."""
    listener = listen("127.0.0.1", free_port())
    return ApiServer(control, "secret", listener), listener.port


async def test_it_closes_in_time_despite_unfinished_requests(
    control: StuckControl, bound: tuple[ApiServer, int]
) -> None:
    server, port = bound
    serving = asyncio.create_task(server.serve())
    length = b"Content-Length: %d" % len(BODY)
    several = post(port, "/api/pm/stop", b"Content-Type: application/json", length, body=BODY)
    async with AsyncExitStack() as stack:
        readers = [
            (await stack.enter_async_context(connected(port, start)))[0]
            for start in (post(port, "/api/pm/web/stop"), several, b"")
        ]
        await eventually_async(lambda: control.queues and control.waiting)
        await asyncio.wait_for(server.close(), DEADLINE)
        assert [await until_closed(reader) for reader in readers] == [b"", b"", b""]
    await serving
    await eventually_async(lambda: not control.waiting)
    listen("127.0.0.1", port).socket.close()


async def test_a_request_that_finishes_during_shutdown_is_answered(
    control: StuckControl, bound: tuple[ApiServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtui.api.server.SHUTDOWN_TIMEOUT", DEADLINE)
    server, port = bound
    serving = asyncio.create_task(server.serve())
    async with connected(port, post(port, "/api/pm/web/stop")) as (reader, _):
        await eventually_async(lambda: control.queues)
        closing = asyncio.create_task(server.close())
        await asyncio.sleep(0)
        control.put(snapshot("web", Status.STOPPED))
        assert parse(await until_closed(reader)).status == 200
    await asyncio.gather(closing, serving)


async def test_cancellation_frees_the_port(bound: tuple[ApiServer, int]) -> None:
    server, port = bound
    serving = asyncio.create_task(server.serve())
    assert (await exchange(port, HEALTH % port)).status == 200
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    listen("127.0.0.1", port).socket.close()


async def test_it_can_be_closed_before_it_serves(bound: tuple[ApiServer, int]) -> None:
    server, port = bound
    await server.close()
    listen("127.0.0.1", port).socket.close()


async def test_it_is_idle_without_requests(bound: tuple[ApiServer, int], monkeypatch: pytest.MonkeyPatch) -> None:
    server, port = bound
    serving = asyncio.create_task(server.serve())
    assert (await exchange(port, HEALTH % port)).status == 200
    loop, turns = asyncio.get_running_loop(), 0
    run_once = loop._run_once  # type: ignore[attr-defined]

    def counted() -> None:
        nonlocal turns
        turns += 1
        run_once()

    async def is_idle() -> bool:
        before = turns
        await asyncio.sleep(0.5)
        return turns <= before + 2

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_run_once", counted)
        await eventually_awaited(is_idle)
    await server.close()
    await serving


async def test_it_does_not_touch_signals_and_logging(
    bound: tuple[ApiServer, int], caplog: pytest.LogCaptureFixture
) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    caplog.set_level(logging.DEBUG)
    server, port = bound
    serving = asyncio.create_task(server.serve())
    assert (await exchange(port, HEALTH % port)).status == 200
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    await server.close()
    await serving
    assert [record for record in caplog.records if record.name.startswith(("uvicorn", "pmtui"))] == []


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("pmtui.api.auth, pmtui.api.http.listener", ["starlette", "uvicorn", "h11", "anyio", "psutil"]),
        (
            "pmtui.api.server",
            ["textual", "httpx", "psutil", "click", "watchfiles", "multiprocessing", "websockets", "yaml"],
        ),
    ],
)
def test_an_import_loads_only_what_it_needs(modules: str, unwanted: list[str]) -> None:
    program = f"import sys, {modules}; print([name for name in {unwanted} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
