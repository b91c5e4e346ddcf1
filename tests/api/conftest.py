import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from pmtui.api.http import connection
from pmtui.api.http.listener import Listener, listen
from pmtui.api.server import ApiServer
from pmtui.control import Status
from tests.eventually import DEADLINE
from tests.fake_control import FakeControl, snapshot


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no slow machine have a connection closed. Tests of a time limit set it themselves."""
    for name in ("REQUEST_TIMEOUT", "WRITE_TIMEOUT", "LINGER_TIMEOUT"):
        monkeypatch.setattr(connection, name, DEADLINE)
    monkeypatch.setattr("pmtui.api.server.IDLE_TIMEOUT", 2 * DEADLINE)


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(
        snapshot("web-1", group="front"), snapshot("web-2", group="front"), snapshot("worker", Status.STOPPED)
    )


@pytest.fixture
async def listener(control: FakeControl) -> AsyncIterator[Listener]:
    """A running server for `control`."""
    listener = listen("127.0.0.1", 0)
    server = ApiServer(control, "secret", listener)
    serving = asyncio.create_task(server.serve())
    yield listener
    await server.close()
    await serving


@pytest.fixture
def port(listener: Listener) -> int:
    return listener.port


@pytest.fixture
async def client(listener: Listener) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer secret"}
    async with httpx.AsyncClient(base_url=listener.url, headers=headers, timeout=DEADLINE, trust_env=False) as client:
        yield client
