"""Passing one request on, in this process."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest

from pmtui.pocketbase import forwarder
from pmtui.pocketbase.forwarder import Forwarder, Upstream
from tests.servers import free_port


async def forward(upstreams: Sequence[Upstream], path: bytes = b"/x") -> dict[bytes, bytes]:
    """The headers of the answer; its status is one of them."""

    def find(route: str) -> Sequence[Upstream]:
        return upstreams if route == "/api/agent" else []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b""}

    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "method": "GET",
        "raw_path": b"/_pm/forward" + path,
        "query_string": b"",
        "headers": [(b"x-pmtui-route", b"/api/agent")],
    }
    made = Forwarder(find)
    try:
        await made(scope, receive, send)
    finally:
        await made.close()
    assert sent[0]["status"] == 200  # else PocketBase's client could follow it
    return dict(sent[0]["headers"])


async def test_without_a_process_for_the_route_it_is_404() -> None:
    assert (await forward([]))[b"x-pmtui-status"] == b"404"


async def test_without_a_ready_process_it_is_503() -> None:
    headers = await forward([Upstream("a", 1, ready=False), Upstream("b", 1, ready=False)])
    assert (headers[b"x-pmtui-status"], headers[b"retry-after"]) == (b"503", b"2")


async def test_a_process_that_refuses_is_502() -> None:
    assert (await forward([Upstream("a", free_port(), ready=True)]))[b"x-pmtui-status"] == b"502"


async def test_a_process_that_does_not_answer_in_time_is_504(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(forwarder, "FORWARD_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        upstream = Upstream("a", silent.getsockname()[1], ready=True)
        assert (await forward([upstream]))[b"x-pmtui-status"] == b"504"
