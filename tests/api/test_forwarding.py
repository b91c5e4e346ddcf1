"""Requests for a process: taken by the same server, with other limits."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
import pytest

from pmtui.api.auth import Receive, Send
from pmtui.api.http import connection
from pmtui.api.http.framing import BODY_LIMIT, FORWARD_BODY_LIMIT
from pmtui.api.http.listener import Listener, listen
from pmtui.api.server import ApiServer
from tests.eventually import DEADLINE, eventually_async
from tests.fake_control import FakeControl

PATH = "/_pm/forward/x"
AUTHORIZED = {"Authorization": "Bearer secret"}


class Forwarder:
    """Answers with the size of the body, once it may."""

    def __init__(self) -> None:
        self.count = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.count += 1
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        await self.may_answer.wait()
        body = str(size).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def check_token(token: bytes) -> str:
    return "" if token == b"other" else "refused"


@pytest.fixture
async def forwarder() -> Forwarder:
    return Forwarder()


@pytest.fixture
async def listener(control: FakeControl, forwarder: Forwarder) -> AsyncIterator[Listener]:
    listener = listen("127.0.0.1", 0)
    server = ApiServer(control, "secret", listener, forwarder=forwarder, token_checker=check_token)
    serving = asyncio.create_task(server.serve())
    yield listener
    await server.close()
    await serving


@pytest.fixture
async def client(listener: Listener) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=listener.url, timeout=DEADLINE, trust_env=False, limits=limits) as client:
        yield client


async def test_a_body_may_be_larger_than_those_of_the_api(client: httpx.AsyncClient) -> None:
    body = b"x" * FORWARD_BODY_LIMIT
    assert (await client.post(PATH, content=body, headers=AUTHORIZED)).text == str(FORWARD_BODY_LIMIT)
    assert (await client.post(PATH, content=body + b"x", headers=AUTHORIZED)).status_code == 413
    small = body[: BODY_LIMIT + 1]
    assert (await client.post("/api/pm/restart", content=small, headers=AUTHORIZED)).status_code == 413


async def test_adds_no_headers_of_the_api(client: httpx.AsyncClient) -> None:
    response = await client.get(PATH, headers=AUTHORIZED)
    assert [name for name in response.headers if name != "content-length"] == []
    assert (await client.get("/api/pm/list", headers=AUTHORIZED)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("token", ["wrong", "other"])
async def test_takes_no_token_but_the_managers(client: httpx.AsyncClient, forwarder: Forwarder, token: str) -> None:
    response = await client.post(PATH, content=b"x", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, forwarder.count) == (401, 0)


async def test_the_api_takes_tokens_that_others_know(client: httpx.AsyncClient) -> None:
    for token, status in (("other", 200), ("secret", 200), ("wrong", 401)):
        response = await client.get("/api/pm/list", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status
    assert response.json()["message"] == "refused"


async def test_slow_processes_keep_no_client_out_of_the_api(
    client: httpx.AsyncClient, forwarder: Forwarder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(connection, "MAX_FORWARDED", 5)
    forwarder.may_answer.clear()
    held = []
    for count in range(1, 6):  # one by one: until its head is read a connection is one of the API's
        held.append(asyncio.create_task(client.get(PATH, headers=AUTHORIZED)))
        await eventually_async(lambda: forwarder.count == count)  # noqa: B023
    assert (await client.get("/api/pm/list", headers=AUTHORIZED)).status_code == 200
    assert (await client.get(PATH, headers=AUTHORIZED)).status_code == 503
    forwarder.may_answer.set()
    assert [response.status_code for response in await asyncio.gather(*held)] == [200] * 5
    assert (await client.get(PATH, headers=AUTHORIZED)).status_code == 200
