"""HTTP as bytes, for requests that no well-behaved client sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

AUTHORIZED = b"Host: localhost:%d\r\nAuthorization: Bearer secret\r\n"
PATIENCE = 10.0


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
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection that is closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return everything the server sends until it closes; a reset counts as a close."""
    received = b""
    async with asyncio.timeout(PATIENCE):
        try:
            while chunk := await reader.read(65536):
                received += chunk
        except ConnectionError:
            pass
    return received


async def exchange(port: int, request: bytes) -> Answer:
    """Send bytes, and return the response of a server that then closes."""
    async with connected(port) as (reader, writer):
        writer.write(request)
        return parse(await until_closed(reader))


def post(port: int, path: str, *headers: bytes, body: bytes = b"") -> bytes:
    """Return a request with the token and only these headers."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST %s HTTP/1.1\r\n" % path.encode() + AUTHORIZED % port + lines + b"\r\n" + body


async def eventually(is_so: Any) -> None:
    """Wait until the condition holds; fail after ten seconds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)
