"""Real servers for health checks to ask."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.eventually import eventually_async


class Web:
    """An HTTP server in the test's own loop that answers with `head` and `body`; it keeps what it was asked."""

    def __init__(self) -> None:
        self.status = "200 OK"
        self.head = ""
        self.body = b"ok"
        self.delay = 0.0
        self.requests: list[str] = []
        self.port = 0
        self.ended: list[bool] = []  # for each request: whether the answer could be sent to its end

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((line[15:] for line in head.split("\r\n") if line.lower().startswith("content-length:")), "0")
            self.requests.append(head + (await reader.readexactly(int(length))).decode())
            await asyncio.sleep(self.delay)
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n{self.head}\r\n".encode())
            writer.write(self.body)
            await writer.drain()
            self.ended.append(True)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.ended.append(False)
        finally:
            writer.close()


@asynccontextmanager
async def web() -> AsyncIterator[Web]:
    site = Web()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site
    await all_let_go(site.port)


async def all_let_go(port: int) -> None:
    """Returns when nobody here is connected with that port: clients let a server say its last words."""
    transports = asyncio.get_running_loop()._transports  # type: ignore[attr-defined]

    def is_ours(transport: asyncio.Transport) -> bool:
        peer, connection = transport.get_extra_info("peername"), transport.get_extra_info("socket")
        return bool(peer) and peer[1:2] == (port,) and connection.fileno() >= 0

    await eventually_async(lambda: not any(map(is_ours, [*transports.values()])))


RESERVABLE = range(10_000, 20_000)
"""Ports that the kernel gives nobody who asks for any port or connects, and that pmtui chooses for no process."""
reservations: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody listens on, and that no other test is given as long as this one's process lives."""
    return next(port for port in random.sample(RESERVABLE, len(RESERVABLE)) if reserve(port))


def reserve(port: int) -> bool:
    """Bind a name that stands for the port, and that is gone with this process; false if the port is taken."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0pmtui-test-port-{port}")
        with socket.socket() as probe:
            probe.bind(("", port))
    except OSError:
        name.close()
        return False
    reservations.append(name)
    return True
