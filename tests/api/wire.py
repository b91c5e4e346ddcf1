"""HTTP as bytes, for requests that no well-behaved client sends."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from pmtui.api.http.connection import Connection
from tests.eventually import DEADLINE

AUTHORIZED = b"Host: localhost:%d\r\nAuthorization: Bearer secret\r\n"


class Answer(NamedTuple):
    """One response of the server; `rest` is what followed it."""

    status: int
    headers: dict[str, str]
    body: Any
    rest: bytes


def parse(raw: bytes) -> Answer:
    """Parse the first response in `data`."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    length = int(headers["content-length"])
    return Answer(int(status_line.split()[1]), headers, msgspec.json.decode(rest[:length]), rest[length:])


@asynccontextmanager
async def connected(port: int, start: bytes = b"") -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection that is closed at the end. A server in this loop finds `start` in it when it accepts it."""
    client = socket.create_connection(("127.0.0.1", port))
    client.setblocking(False)
    sent = client.send(start)
    reader, writer = await asyncio.open_connection(sock=client)
    await asyncio.sleep(0)  # an answer is read before more is written, which fails once the server has closed
    try:
        writer.write(start[sent:])
        yield reader, writer
    finally:
        writer.transport.abort()


async def receive(reader: asyncio.StreamReader) -> Answer:
    """Return the next response of a connection that stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length, head
    return parse(head + await reader.readexactly(int(length[1])))


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return everything the server sends until it closes; a reset counts as a close."""
    received = b""
    async with asyncio.timeout(DEADLINE):
        try:
            while chunk := await reader.read(65536):
                received += chunk
        except ConnectionError:
            pass
    return received


async def exchange(port: int, request: bytes) -> Answer:
    """Send bytes, and return the response of a server that then closes."""
    async with connected(port, request) as (reader, _):
        return parse(await until_closed(reader))


def post(port: int, path: str, *headers: bytes, body: bytes = b"") -> bytes:
    """Return a request with the token and only these headers."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST %s HTTP/1.1\r\n" % path.encode() + AUTHORIZED % port + lines + b"\r\n" + body


def served() -> list[Connection]:
    """Return the connections of the servers in this loop."""
    transports = asyncio.get_running_loop()._transports  # type: ignore[attr-defined]
    protocols = [transport.get_protocol() for transport in [*transports.values()]]
    return [protocol for protocol in protocols if isinstance(protocol, Connection)]
