"""Hostile requests against a whole manager: each is rejected, and its target process stays untouched."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.api.wire import Answer, connected, exchange, parse, until_closed
from tests.eventually import eventually_async, eventually_awaited
from tests.running import Running
from tests.security.conftest import open_sockets, resident

STOP = "/api/pm/web-1/stop"
TOKEN = "Authorization: Bearer secret"
OURS = "Host: localhost:{port}"
CHUNKED = "Transfer-Encoding: chunked"
JSON = "Content-Type: application/json"
ALL = '{"ids": ["*"]}'
ZERO = "0\r\n\r\n"


@pytest.fixture(autouse=True)
def _untouched(house: Running) -> Iterator[None]:
    before = house.row("web-1")["pid"]
    yield
    row = house.row("web-1")
    assert (row["pid"], row["status"], row["restartCount"]) == (before, "running", 0)


async def ask(port: int, line: str, *headers: str, body: str = "", behind: bytes = b"") -> Answer:
    """Return the response to a request with only these headers, with `behind` sent right after it."""
    head = "\r\n".join([f"{line} HTTP/1.1", *headers, "", body]).replace("{port}", str(port))
    return await exchange(port, head.encode("latin-1") + behind)


def smuggled(port: int) -> bytes:
    return f"POST {STOP} HTTP/1.1\r\nHost: localhost:{port}\r\n{TOKEN}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "authorization",
    [
        [],
        ["Authorization: Bearer wrong"],
        ["Authorization: Bearer Bearer secret"],
        ["Authorization: Basic secret"],
        [TOKEN, TOKEN],
        ["Authorization: Bearer " + "x" * (1 << 20)],
        ["Cookie: token=secret"],
        ["X-Authorization: Bearer secret"],
    ],
    ids=["none", "wrong", "doubled word", "Basic", "doubled header", "1 MiB", "cookie", "other header"],
)
async def test_requests_without_the_token_are_rejected(port: int, authorization: list[str]) -> None:
    answer = await ask(port, f"POST {STOP}", OURS, *authorization)
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    for path in ("/api/pm/list", "/metrics", "/openapi.json", "/api/pm/web-1/logs?token=secret"):
        assert (await ask(port, f"GET {path}", OURS, *authorization)).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: evil.example:{port}"],
        ["Host: evil.example"],
        ["Host: 127.0.0.1.evil.example:{port}"],
        ["Host: 0.0.0.0:{port}"],
        [],
        [OURS, "Origin: http://evil.example"],
        [OURS, "Origin: null"],
        [OURS, "Origin: http://localhost:1"],
    ],
)
async def test_a_foreign_page_is_rejected_even_with_the_token(port: int, headers: list[str]) -> None:
    answer = await ask(port, f"POST {STOP}", *headers, TOKEN)
    assert answer.status == (403 if headers else 400)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        (f"GET {STOP}", [TOKEN], 405),
        ("GET /api/pm/web-1?action=stop", [], 401),
        ("GET /api/pm/stop?ids=*", [TOKEN], 404),
        ("POST /api/pm/stop", ["Content-Type: text/plain"], 401),
        ("POST /api/pm/stop", [TOKEN, "Content-Type: text/plain"], 400),
        ("POST /api/pm/stop", [TOKEN, "Content-Type: application/x-www-form-urlencoded"], 400),
        ("POST /api/pm/stop", [TOKEN, "Content-Type: multipart/form-data; boundary=application/json"], 400),
        (f"POST {STOP}", ["X-HTTP-Method-Override: DELETE"], 401),
        (f"OPTIONS {STOP}", ["Access-Control-Request-Method: POST"], 401),
        (f"OPTIONS {STOP}", [TOKEN, "Access-Control-Request-Method: POST"], 405),
    ],
)
async def test_requests_that_a_page_can_send_without_preflight_change_nothing(
    port: int, line: str, headers: list[str], status: int
) -> None:
    answer = await ask(port, line, OURS, *headers, f"Content-Length: {len(ALL)}", body=ALL)
    assert answer.status == status
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (["Content-Length: 4", CHUNKED], ZERO, 400),
        ([CHUNKED, "Content-Length: 5"], ZERO, 400),
        (["Content-Length: 0", "Content-Length: 5"], ZERO, 400),
        (["Content-Length: 0, 5"], ZERO, 400),
        (["Transfer-Encoding : chunked"], ZERO, 400),
        (["Transfer-Encoding: xchunked"], ZERO, 400),
        (["X: a", " Transfer-Encoding: chunked"], ZERO, 400),
        (["X: a\nTransfer-Encoding: chunked"], ZERO, 400),
        (["X: a\x00b"], "", 400),
        (["Content-Length: 0"], "", 400),
        ([CHUNKED], "1 \r\nx\r\n" + ZERO, 400),
        ([CHUNKED], "1;\nx\r\n" + ZERO, 400),
        (["X: " + "x" * (5 << 20)], "", 431),
        ([f"X{number}: x" for number in range(10_000)], "", 431),
        (["Content-Length: 2147483648"], "", 413),
        (["Content-Length: 65537"], "x" * 65537, 413),
        ([CHUNKED], "fffff\r\n" + "x" * 0xFFFFF, 413),
    ],
    ids=[
        *(
            "CL and TE",
            "TE and CL",
            "two CL",
            "list of CL",
            "blank before colon",
            "xchunked",
            "folded",
            "bare LF",
            "NUL",
        ),
        *("pipelined", "blank behind size", "LF in chunk extension", "5 MiB header", "10,000 headers"),
        *("2 GiB body", "body over 64 KiB", "chunks over 64 KiB"),
    ],
)
async def test_no_request_is_smuggled(port: int, headers: list[str], body: str, status: int) -> None:
    answer = await ask(port, "POST /api/pm/off/stop", OURS, TOKEN, *headers, body=body, behind=smuggled(port) * 2)
    assert (answer.status, answer.headers["connection"], answer.rest) == (status, "close", b"")


async def test_an_endless_body_is_cut_off_and_costs_no_memory(port: int, house: Running) -> None:
    before = resident(house)
    async with connected(port) as (reader, writer):
        writer.write(f"POST /api/pm/stop HTTP/1.1\r\nHost: localhost:{port}\r\n{TOKEN}\r\n{CHUNKED}\r\n\r\n".encode())
        answer = asyncio.create_task(until_closed(reader))
        while not answer.done():
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await asyncio.wait((answer,), timeout=0.001)
    assert parse(await answer).status == 413
    assert resident(house) < before + (32 << 20)


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        ("GET /api/pm/..%2f..%2fetc/logs", {404}),
        ("GET /api/pm/..%2f..%2f..%2fetc%2fpasswd/logs/files", {404}),
        ("GET /api/pm/../../etc/passwd", {404}),
        ("GET /api/pm/%2e%2e/logs", {404}),
        ("GET /api/pm/web-1%00/logs", {404}),
        ("GET /api/pm/web-1%0d%0aX:%20y/logs", {404}),
        ("GET /api/pm/%ff/logs", {404}),
        ("GET /api/pm/%25%32%65/logs", {404}),
        ("GET //api/pm/list", {404}),
        ("GET /api//pm/list", {404}),
        ("GET /api/pm/list/", {404}),
        ("GET /api/pm/web-1/logs/../../list", {404}),
        ("POST /api/pm/web-1%2fstop", {404, 405}),
        ("POST /api/pm/*/stop", {404}),
        ("POST /api/pm/@front/stop", {404}),
        ("POST /api/pm/web-1/signal/0", {400}),
        ("POST /api/pm/web-1/signal/-9", {400}),
        ("POST /api/pm/web-1/signal/SIG%00KILL", {400}),
        ("GET http://evil.example/api/pm/list", {404}),
        ("GET /api/pm/web-1/logs?lines=-1", {400}),
        ("GET /api/pm/web-1/logs?lines=1e9", {400}),
        ("GET /api/pm/web-1/logs?lines=99999999999999999999", {400}),
        ("GET /api/pm/web-1/logs?lines=1000000000", {200}),
        ("GET /api/pm/web-1/logs?since=99999999999999999999s", {200, 400}),
        ("GET /api/pm/web-1/logs?run=../../1", {400}),
        ("GET /api/pm/web-1/logs?run=99999999999999999999", {200, 400}),
        ("GET /api/pm/web-1/logs?before=99999999999999999999", {400}),
        ("GET /api/pm/logs/stream?ids=..%2f..", {400, 404}),
        ("GET /api/pm/web-1/logs?grep=" + "(" * 8000, {400}),
        ("GET /api/pm/web-1/logs?" + "a=b&" * 3000, {200, 400}),
    ],
)
async def test_odd_paths_and_numbers_are_rejected(port: int, line: str, statuses: set[int]) -> None:
    answer = await ask(port, line, OURS, TOKEN, "Connection: close")
    assert answer.status in statuses, answer
    if answer.status != 200:
        assert answer.body.keys() == {"status", "message", "data"}


BOMBS = [
    "(a+)+$",
    "^(a|a)*$",
    "(a|aa)+$",
    "(.*)*x",
    ".*.*.*.*x",
    "^([a-z]+)*$",
    "((a{0,9}){0,9}){0,9}b",
    "(a|b)*a(a|b){99}c",
]


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_pattern_that_explodes_elsewhere_delays_nobody(port: int, house: Running, bomb: str) -> None:
    quoted = "".join(f"%{ord(letter):02x}" for letter in bomb)
    searching = asyncio.create_task(
        ask(port, f"GET /api/pm/web-1/logs?grep={quoted}", OURS, TOKEN, "Connection: close")
    )
    for _ in range(5):
        assert (await ask(port, "GET /api/health", OURS, "Connection: close")).status == 200
    assert (await searching).status in (200, 400)


async def test_300_slow_senders_are_closed_and_lock_nobody_out(port: int, house: Running) -> None:
    """Every connection is closed in time, and meanwhile every other request is answered."""
    before = open_sockets(house)

    async def is_answered() -> bool:
        try:
            return (await asyncio.to_thread(house.get, "/api/pm/list"))[0] == 200
        except ConnectionError:  # so slow itself that it was among those who were closed
            return False

    async def drip() -> None:
        async with connected(port, b"GET /api/pm/list HTTP/1.1\r\nX: ") as (reader, writer):
            closed = asyncio.create_task(until_closed(reader))
            while not closed.done():
                writer.write(b"x")
                await asyncio.wait((closed,), timeout=1)
            await closed

    drips = [asyncio.create_task(drip()) for _ in range(300)]
    while not all(drip.done() for drip in drips):
        await eventually_awaited(is_answered)
        await asyncio.sleep(0.1)
    await asyncio.gather(*drips)
    await eventually_async(lambda: open_sockets(house) <= before)
