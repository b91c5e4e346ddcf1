"""Probes and HTTP requests, against real servers."""

import asyncio
from itertools import count

import pytest

from pmtui.logs.ring_buffer import RingBuffer
from pmtui.monitors.health import http
from pmtui.monitors.health.http import ResponseError, fetch_status, get, post
from pmtui.monitors.health.probes import HttpProbe, LogProbe, ProbeError, SilenceProbe, TcpProbe
from pmtui.text.regex import Pattern
from tests.eventually import DEADLINE, eventually_async
from tests.servers import all_let_go, free_port, web


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "301 Moved Permanently", "399 Odd"])
async def test_2xx_and_3xx_succeed(status: str) -> None:
    async with web() as site:
        site.status = status
        site.head = "Location: http://127.0.0.1:1/elsewhere\r\n"
        site.body = b""
        assert (await HttpProbe(site.url).check()).startswith(status[:3])


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error", "199 Early"])
async def test_other_statuses_fail(status: str) -> None:
    async with web() as site:
        site.status = status
        with pytest.raises((ProbeError, OSError)):
            await HttpProbe(site.url).check()


async def test_the_request_is_what_servers_expect() -> None:
    async with web() as site:
        await HttpProbe(f"{site.url}/a%20b/ü?q=1&r=x y#part").check()
        lines = site.requests[0].split("\r\n")
        assert lines[0] == "GET /a%20b/%C3%BC?q=1&r=x%20y HTTP/1.1"
        assert f"host: 127.0.0.1:{site.port}" in lines
        assert "connection: close" in lines


async def test_localhost_needs_no_resolver() -> None:
    async with web() as site:
        assert await HttpProbe(f"http://localhost:{site.port}/").check() == "200 OK"


async def test_without_a_listener_the_connection_is_refused() -> None:
    for probe in (HttpProbe(f"http://localhost:{free_port()}"), TcpProbe(f"127.0.0.1:{free_port()}")):
        with pytest.raises(ConnectionRefusedError):
            await probe.check()


async def test_a_port_that_accepts_connections_succeeds() -> None:
    async with web() as site:
        assert await TcpProbe(f"localhost:{site.port}").check() == "connected"


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"\x15\x03\x01\x00\x02\x02", b"HTTP/1.1 200 O"])
async def test_a_response_that_is_not_http_says_so(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ResponseError):
            await fetch_status(get(f"http://127.0.0.1:{port}"))
        await all_let_go(port)


async def test_a_server_can_finish_a_body_that_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LINGER_TIMEOUT", DEADLINE)
    async with web() as site:
        site.body = b"x" * (4 << 20)
        await HttpProbe(site.url).check()
        await eventually_async(lambda: site.ended)
        assert site.ended == [True]


async def test_a_server_that_never_answers_is_disconnected_on_timeout() -> None:
    async with web() as site:
        site.delay = 600
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await HttpProbe(site.url).check()


async def test_json_is_posted_with_its_length() -> None:
    async with web() as site:
        assert await fetch_status(post(f"{site.url}/hook", b'{"a":1}')) == 200
        head, body = site.requests[0].split("\r\n\r\n")
        assert head.startswith("POST /hook HTTP/1.1")
        assert "content-type: application/json" in head
        assert body == '{"a":1}'


def test_an_invalid_url_is_refused() -> None:
    with pytest.raises(ValueError, match="Port"):
        get("http://127.0.0.1:99999/")


def filled(*lines: str) -> RingBuffer:
    ring = RingBuffer("a")
    for line in lines:
        say(ring, line)
    return ring


def say(ring: RingBuffer, line: str) -> None:
    ring.append("stdout", 1, 0, f"{line}\n".encode(), 1)


async def test_a_line_is_found_even_if_it_leaves_memory_at_once() -> None:
    ring = RingBuffer("a", max_lines=10)
    probe = LogProbe(Pattern("^ready$"), ring, 1)
    asking = asyncio.create_task(probe.check())
    say(ring, "ready")
    for number in range(100):
        say(ring, str(number))
    assert await asking == "a line has matched"


async def test_lines_before_the_first_do_not_match() -> None:
    ring = filled("ready", "steady")
    with pytest.raises(ProbeError, match="no line has matched so far"):
        await LogProbe(Pattern("ready"), ring, 2).check()


async def test_colors_do_not_hide_a_line() -> None:
    ring = filled("\x1b[32mready\x1b[0m in 30 ms")
    assert await LogProbe(Pattern("^ready in"), ring, 1).check() == "a line has matched"


async def test_silence_is_measured_from_the_last_output() -> None:
    ticks = count(0, 40)  # the clock advances 40 s with each call
    ring = RingBuffer("a")
    probe = SilenceProbe(60, ring, lambda: float(next(ticks)))
    assert await probe.check() == "output 40 s ago"
    say(ring, "still there")
    assert await probe.check() == "output 40 s ago"
    with pytest.raises(ProbeError, match="no output for 80 s"):
        await probe.check()
    ring.set_partial("stdout", 1, 0, b"10 %\r20 %")
    assert await probe.check() == "output 40 s ago"
