import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from pmtui.api.http import connection
from pmtui.api.http.connection import MAX_CONNECTIONS
from pmtui.control import LogLine, Status
from tests.api.wire import AUTHORIZED, connected, exchange, parse, post, receive, served, until_closed
from tests.eventually import eventually_async
from tests.fake_control import FakeControl, snapshot

STOP = "/api/pm/web-1/stop"
PIPELINED = "Pipelining is not supported; send a request after the response to the previous one."


def get(port: int, path: str = "/api/pm/list") -> bytes:
    return b"GET %s HTTP/1.1\r\n" % path.encode() + AUTHORIZED % port + b"\r\n"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([b"Content-Length: 2", b"Transfer-Encoding: chunked"], b"0\r\n\r\n", 400),
        ([b"Transfer-Encoding: chunked", b"Content-Length: 2"], b"0\r\n\r\n", 400),
        ([b"Content-Length: 0", b"Content-Length: 0"], b"", 400),
        ([b"Transfer-Encoding : chunked"], b"0\r\n\r\n", 400),
        ([b"Transfer-Encoding:\x0bchunked"], b"0\r\n\r\n", 400),
        ([b"X: a", b" b"], b"", 400),
        ([b"X: a\nY: b"], b"", 400),
        ([b"X: a\x00b"], b"", 400),
        ([b"X : a"], b"", 400),
        ([b"Host: evil.example"], b"", 400),
        ([b"X: " + b"x" * (5 << 20)], b"", 431),
        ([b"X%d: x" % n for n in range(10_000)], b"", 431),
        ([b"X: x"] * 200, b"", 431),
        ([b"Authorization: " + b"x" * (1 << 20)], b"", 401),
        ([b"Content-Length: 2147483648"], b"", 413),
        ([b"Content-Length: 65537"], b"x" * 65537, 413),
        ([b"Transfer-Encoding: chunked"], b"10000\r\n" + b"x" * 0x10000 + b"\r\n0\r\n\r\n", 413),
        ([b"Transfer-Encoding: chunked"], b"zz\r\n", 400),
        ([b"Transfer-Encoding: chunked"], b"1\r\nxx0\r\n\r\n", 400),
        ([b"Transfer-Encoding: chunked"], b"1;\nx\r\nx\r\n0\r\n\r\n", 400),
    ],
    ids=range(20),
)
async def test_an_ambiguous_request_is_rejected_and_nothing_after_it_runs(
    port: int, control: FakeControl, headers: list[bytes], body: bytes, status: int
) -> None:
    answer = await exchange(port, post(port, STOP, *headers, body=body) + post(port, STOP) * 2)
    assert (answer.status, answer.headers["connection"], answer.rest) == (status, "close", b"")
    assert (answer.body["status"], answer.body["data"]) == (status, {})
    assert control.calls == []


@pytest.mark.parametrize(
    "request_", [b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET /\r\n\r\n", b"GET / HTTP/1.1\n\n",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
)  # fmt: skip
async def test_bytes_that_are_not_a_request_are_rejected(port: int, request_: bytes) -> None:
    answer = await exchange(port, request_)
    assert (answer.status, answer.headers["connection"], answer.rest) == (400, "close", b"")


@pytest.mark.parametrize(
    ("headers", "body"),
    [([], b""), ([b"Content-Length: 2"], b"{}"), ([b"Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n")],
    ids=["no body", "length", "chunks"],
)
async def test_pipelined_requests_do_not_run(
    port: int, control: FakeControl, headers: list[bytes], body: bytes
) -> None:
    answer = await exchange(port, post(port, STOP, *headers, body=body) + post(port, STOP))
    assert (answer.status, answer.body["message"], answer.rest) == (400, PIPELINED, b"")
    assert control.calls == []


async def test_a_body_may_arrive_chunked_and_in_pieces(port: int, control: FakeControl) -> None:
    request = post(
        port,
        "/api/pm/stop",
        b"Content-Type: application/json",
        b"Connection: close",
        b"Transfer-Encoding: chunked",
        body=b'7\r\n{"ids":\r\n9;x=y\r\n["web-1"]\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n',
    )
    async with connected(port) as (reader, writer):
        for byte in request:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        answer = parse(await until_closed(reader))
    assert (answer.status, control.calls) == (200, [("stop", "web-1")])


async def test_a_body_of_64_kib_is_accepted(port: int) -> None:
    headers = [b"Content-Type: application/json", b"Content-Length: 65536"]
    assert (await exchange(port, post(port, "/api/pm/stop", *headers, body=b" " * 65536))).status == 400


async def test_nothing_happens_before_the_whole_body_has_arrived(port: int, control: FakeControl) -> None:
    async with connected(port) as (reader, writer):
        writer.write(post(port, STOP, b"Content-Length: 2", b"Connection: close", body=b"{"))
        await asyncio.sleep(0.1)
        assert control.calls == []
        writer.write(b"}")
        assert parse(await until_closed(reader)).status == 200
    assert control.calls == [("stop", "web-1")]


async def test_expect_100_continue_is_answered(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(post(port, STOP, b"Content-Length: 2", b"Expect: 100-continue"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"{}")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_an_endless_body_is_cut_off_at_the_limit(port: int, control: FakeControl) -> None:
    async with connected(port) as (reader, writer):
        writer.write(post(port, STOP, b"Transfer-Encoding: chunked"))
        for _ in range(70):
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert parse(await until_closed(reader)).status == 413
    assert control.calls == []


async def test_the_connection_closes_if_the_response_did_not_need_the_body(port: int) -> None:
    request = b"GET /api/pm/list HTTP/1.1\r\n" + AUTHORIZED % port + b"Content-Length: 90\r\n\r\n"
    answer = await exchange(port, request)
    assert (answer.status, answer.rest) == (200, b"")


async def test_a_connection_serves_several_requests(port: int) -> None:
    async with connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(get(port, "/api/health"))
            assert (await receive(reader)).status == 200


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
async def test_an_unsupported_upgrade_is_an_ordinary_request(
    port: int, caplog: pytest.LogCaptureFixture, protocol: bytes
) -> None:
    request = get(port).replace(b"\r\n\r\n", b"\r\nConnection: Upgrade, close\r\nUpgrade: %s\r\n\r\n" % protocol)
    assert (await exchange(port, request)).status == 200
    assert caplog.text == ""


class SlowControl(FakeControl):
    """Completes a stop only when the test says so."""

    async def stop(self, process_id: str) -> None:
        self.calls.append(("stop", process_id))
        self.put(snapshot(process_id, Status.STOPPING))


class TestWhileARequestIsServed:
    @pytest.fixture
    def control(self) -> FakeControl:
        return SlowControl(snapshot("web-1"))

    async def test_the_next_one_is_not_read(self, port: int, control: FakeControl) -> None:
        async with connected(port) as (reader, writer):
            writer.write(post(port, STOP))
            await eventually_async(lambda: control.queues)
            writer.write(post(port, STOP))
            await eventually_async(lambda: any(one.discarded for one in served()))
            control.put(snapshot("web-1", Status.STOPPED))
            answer = parse(await until_closed(reader))
        assert (answer.status, answer.rest, control.calls) == (200, b"", [("stop", "web-1")])

    async def test_it_is_not_evicted_by_half_open_connections(self, port: int, control: FakeControl) -> None:
        async with AsyncExitStack() as stack:
            reader, writer = await stack.enter_async_context(connected(port))
            writer.write(post(port, STOP, b"Connection: close"))
            await eventually_async(lambda: control.queues)
            await half_open(stack, port, MAX_CONNECTIONS * 2)
            control.put(snapshot("web-1", Status.STOPPED))
            assert parse(await until_closed(reader)).status == 200

    async def test_its_response_is_completed_for_a_slow_reader(self, port: int, control: FakeControl) -> None:
        text = "x" * (8 << 20)
        control.lines["web-1"] = [LogLine(seq=1, time="", stream="stdout", text=text, run=1, id="web-1")]
        async with AsyncExitStack() as stack:
            reader, writer = await stack.enter_async_context(connected(port))
            writer.write(get(port, "/api/pm/web-1/logs").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            await reader.readline()
            await half_open(stack, port, MAX_CONNECTIONS * 2)
            assert text.encode() in await until_closed(reader)

    async def test_a_full_server_rejects_the_next_connection(
        self, port: int, control: FakeControl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "MAX_CONNECTIONS", 2)
        async with AsyncExitStack() as stack:
            for _ in range(2):
                _, writer = await stack.enter_async_context(connected(port))
                writer.write(post(port, STOP))
            await eventually_async(lambda: len(control.queues) == 2)
            assert (await exchange(port, get(port))).status == 503


async def half_open(stack: AsyncExitStack, port: int, count: int, start: bytes = b"GET / HTTP/1.1\r\nX: ") -> None:
    for _ in range(count):
        _, writer = await stack.enter_async_context(connected(port))
        writer.write(start)


@pytest.mark.parametrize(
    "start", [b"", b"GET / HTT", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"]
)
async def test_300_half_open_requests_do_not_lock_out_a_client(
    client: httpx.AsyncClient, port: int, start: bytes
) -> None:
    async with AsyncExitStack() as stack:
        await half_open(stack, port, 150, start)
        assert (await client.get("/api/pm/list")).status_code == 200
        await half_open(stack, port, 150, start)
        assert (await client.get("/api/pm/list")).status_code == 200


@pytest.mark.parametrize("start", [b"", b"GET / HTT", b"x" * 99])
async def test_100_silent_connections_do_not_close_a_kept_alive_one(port: int, start: bytes) -> None:
    async with AsyncExitStack() as stack:
        reader, writer = await stack.enter_async_context(connected(port))
        for _ in range(3):
            writer.write(get(port))
            assert (await receive(reader)).status == 200
            await half_open(stack, port, 100, start)
        writer.write(get(port, "/api/health"))
        assert (await receive(reader)).body["message"] == "API is healthy."


async def test_connections_that_never_showed_the_token_do_not_lock_out_a_client(port: int) -> None:
    ask = get(port, "/api/health").replace(b"Authorization: ", b"X-Nothing: ")
    async with AsyncExitStack() as stack:
        kept, asking = await stack.enter_async_context(connected(port))
        asking.write(get(port))
        assert (await receive(kept)).status == 200
        for _ in range(2 * MAX_CONNECTIONS):
            reader, writer = await stack.enter_async_context(connected(port))
            writer.write(ask)
            assert (await receive(reader)).status == 200
        once = get(port).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert (await exchange(port, once)).status == 200
        asking.write(get(port))
        assert (await receive(kept)).status == 200


async def test_a_new_connection_closes_no_trusted_one(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 3)
    async with AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(connected(port)) for _ in range(3)]
        for _ in range(2):
            for reader, writer in kept:
                writer.write(get(port))
                assert (await receive(reader)).status == 200
            assert (await exchange(port, get(port))).status == 503


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", 0.2)


@pytest.mark.usefixtures("hasty")
class TestDeadline:
    @pytest.mark.parametrize("missing", [10, 100, 1], ids=["the end of its body", "its head", "its last byte"])
    async def test_of_a_partial_request_is_reported(self, port: int, missing: int, control: FakeControl) -> None:
        request = post(port, STOP, b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")
        answer = await exchange(port, request[:-missing])
        assert answer.body == {"status": 408, "message": "The request did not arrive within 0.2 seconds.", "data": {}}
        assert (answer.status, answer.headers["connection"], control.calls) == (408, "close", [])

    async def test_of_a_connection_without_a_request_closes_it(self, port: int) -> None:
        async with connected(port) as (reader, _):
            assert await until_closed(reader) == b""

    async def test_applies_to_a_request_sent_byte_by_byte(self, port: int) -> None:
        async with connected(port, b"x") as (reader, writer):
            reading = asyncio.create_task(until_closed(reader))
            while not reading.done():
                writer.write(b"x")
                await asyncio.sleep(0.02)
            assert parse(await reading).status == 408

    async def test_applies_to_the_next_request_of_a_connection(self, port: int) -> None:
        async with connected(port, get(port, "/api/health")) as (reader, writer):
            assert (await receive(reader)).status == 200
            await asyncio.sleep(0.3)
            writer.write(b"GET / HTTP")
            assert parse(await until_closed(reader)).status == 408

    async def test_does_not_close_a_kept_alive_connection(self, port: int) -> None:
        async with connected(port, get(port, "/api/health")) as (reader, writer):
            assert (await receive(reader)).status == 200
            await asyncio.sleep(0.3)
            writer.write(get(port, "/api/health"))
            assert (await receive(reader)).status == 200


async def test_a_client_that_keeps_sending_is_disconnected(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER_LIMIT", 1 << 20)
    async with connected(port) as (_, writer):
        with pytest.raises(ConnectionError):
            await send_for_ever(writer)


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"\x00" * 65536)
        await writer.drain()
