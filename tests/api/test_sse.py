import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from pmtui.api import sse
from pmtui.api.http import connection
from pmtui.api.http.connection import MAX_CONNECTIONS
from pmtui.api.http.listener import Listener, listen
from pmtui.api.server import ApiServer
from pmtui.control import Status
from tests.api.sse import reading
from tests.api.wire import AUTHORIZED, connected, served, until_closed
from tests.eventually import DEADLINE, eventually_async, eventually_awaited
from tests.fake_control import FakeControl, snapshot

EVENTS = "/api/pm/events"


async def test_a_silent_stream_sends_heartbeats(
    client: httpx.AsyncClient, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_INTERVAL", 0.01)
    async with reading(client, EVENTS) as reader:
        await reader.begin()
        assert [await anext(reader.lines) for _ in range(4)] == [": heartbeat", ""] * 2
        control.put(snapshot("worker"))
        assert (await reader.next()).id == "1"


async def test_a_disconnected_client_ends_its_stream(client: httpx.AsyncClient, control: FakeControl) -> None:
    async with reading(client, EVENTS):
        await eventually_async(lambda: control.queues)
    await eventually_async(lambda: not control.queues)


async def test_a_head_request_for_a_stream_ends(client: httpx.AsyncClient, control: FakeControl) -> None:
    answer = await client.head(EVENTS)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    await eventually_async(lambda: not control.queues)


async def test_streams_leave_connections_for_other_requests(client: httpx.AsyncClient) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(sse.MAX_STREAMS):
            await stack.enter_async_context(reading(client, EVENTS))
        refused = await client.get(EVENTS)
        assert refused.json() == {
            "status": 503,
            "message": "All 32 streams are in use; try again later.",
            "data": {},
        }
        answers = await asyncio.gather(*(client.get("/api/pm/list") for _ in range(MAX_CONNECTIONS // 4)))
        assert {answer.status_code for answer in answers} == {200}

    async def is_free() -> bool:
        return (await client.head(EVENTS)).is_success

    await eventually_awaited(is_free)


async def test_many_other_connections_end_no_stream(client: httpx.AsyncClient, port: int, control: FakeControl) -> None:
    async with reading(client, EVENTS) as reader, AsyncExitStack() as stack:
        await reader.begin()
        for _ in range(3 * MAX_CONNECTIONS):
            await stack.enter_async_context(connected(port))
        control.put(snapshot("worker"))
        assert (await reader.next()).id == "1"


async def flood(control: FakeControl) -> None:
    """Sends more than all buffers on the way hold."""
    for _ in range(20):
        for _ in range(2000):
            control.put(snapshot("worker"), reason="x" * 500)
        await asyncio.sleep(0.01)


async def test_a_client_that_reads_nothing_is_disconnected(
    port: int, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WRITE_TIMEOUT", 0.3)
    async with connected(port) as (_, writer):
        writer.write(b"GET %s HTTP/1.1\r\n" % EVENTS.encode() + AUTHORIZED % port + b"\r\n")
        await eventually_async(lambda: control.queues)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await flood(control)
        await eventually_async(lambda: not control.queues)


class TestServerShutdown:
    @pytest.fixture
    async def server(self, control: FakeControl) -> AsyncIterator[tuple[ApiServer, Listener]]:
        listener = listen("127.0.0.1", 0)
        server = ApiServer(control, "secret", listener)
        serving = asyncio.create_task(server.serve())
        yield server, listener
        await serving

    @pytest.fixture
    def listener(self, server: tuple[ApiServer, Listener]) -> Listener:
        return server[1]

    @pytest.fixture(autouse=True)
    def endless_grace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make every wait longer than the test."""
        monkeypatch.setattr("pmtui.api.server.SHUTDOWN_TIMEOUT", 600)

    async def test_ends_streams_at_once(
        self, server: tuple[ApiServer, Listener], client: httpx.AsyncClient, control: FakeControl
    ) -> None:
        async with reading(client, EVENTS) as reader:
            await reader.begin()
            control.put(snapshot("worker", Status.FAILED))
            await eventually_async(lambda: control.queues)
            await asyncio.wait_for(server[0].close(), DEADLINE)
            await reader.ended()
        assert not control.queues

    async def test_does_not_wait_for_a_client_that_reads_nothing(
        self, server: tuple[ApiServer, Listener], port: int, control: FakeControl
    ) -> None:
        async with connected(port) as (reader, writer):
            writer.write(b"GET %s HTTP/1.1\r\n" % EVENTS.encode() + AUTHORIZED % port + b"\r\n")
            await eventually_async(lambda: control.queues)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await flood(control)
            await eventually_async(lambda: [one.flow.write_paused for one in served()] == [True])
            await asyncio.wait_for(server[0].close(), DEADLINE)
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            await until_closed(reader)
