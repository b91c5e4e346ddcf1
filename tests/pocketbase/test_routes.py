"""Requests that PocketBase passes on to a process."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.pocketbase.host import USER, PocketBase, serving, write_config

AGENT = Path(__file__).parent / "agent.py"


@pytest.fixture(scope="module")
def pocketbase(module_app: Path) -> Iterator[PocketBase]:
    def process(name: str, auth: str) -> dict[str, Any]:
        return {
            "id": name,
            "command": sys.executable,
            "args": [str(AGENT), "${port}"],
            "port": "auto",
            "health": {"http": "http://127.0.0.1:${port}/health", "failureThreshold": 1000},
            "pocketbase": {"route": f"/api/{name}", "auth": auth},
        }

    write_config(module_app, [process("agent", "superuser"), process("mine", "user"), process("open.api", "none")])
    (module_app / "ready").touch()
    with serving(module_app) as found:
        found.wait_running("agent", "mine", "open.api")
        yield found


def test_the_process_gets_the_path_behind_the_route_and_the_query(pocketbase: PocketBase) -> None:
    for sent, got in (
        ("/api/open.api", "/"),
        ("/api/open.api/", "/"),
        ("/api/open.api/v1/x%2Fy/%C3%A4?q=1&r=%20", "/v1/x%2Fy/%C3%A4?q=1&r=%20"),
        ("/api/open%2Eapi/a", "/a"),
    ):
        assert pocketbase.fetch("GET", sent).json["path"] == got


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_is_passed_on(pocketbase: PocketBase, method: str) -> None:
    assert pocketbase.fetch(method, "/api/open.api/x", b"a body").json["method"] == method


def test_bodies_are_passed_on_both_ways_as_they_are(pocketbase: PocketBase) -> None:
    body = bytes(range(256)) * 4096
    reply = pocketbase.fetch("POST", "/api/open.api/echo", body)
    assert (reply.status, reply.body) == (201, body)
    assert (reply.headers["Content-Type"], reply.headers["X-Own"]) == ("application/x-own", "1")
    assert reply.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert reply.headers["Keep-Alive"] is None
    assert reply.headers["Cache-Control"] is None  # what the manager's own answers have


def test_headers_that_are_not_the_clients_to_set_are_dropped(pocketbase: PocketBase) -> None:
    sent = {
        "Connection": "close, X-Hop",
        "X-Hop": "1",
        "TE": "trailers",
        "Proxy-Authorization": "Basic x",
        "X-PocketBase-User": "forged",
        "x-pocketbase-collection": "forged",
        "X-Forwarded-Prefix": "/forged",
        "X-Pmtui-Route": "/api/agent",
        "Origin": "http://other.example",
        "Cookie": "c=3",
        "X-Own": "kept",
    }
    got = dict(pocketbase.fetch("GET", "/api/open.api/x", headers=sent).json["headers"])
    assert {name: got.pop(name, None) for name in ("x-forwarded-prefix", "origin", "cookie", "x-own")} == {
        "x-forwarded-prefix": "/api/open.api",
        "origin": "http://other.example",
        "cookie": "c=3",
        "x-own": "kept",
    }
    assert not got.keys() & {"x-hop", "te", "proxy-authorization", "authorization", "x-pmtui-route", "connection"}
    assert not any(name.startswith(("x-pocketbase", "x-pmtui")) for name in got)


def test_the_process_learns_who_asks_but_not_the_token(pocketbase: PocketBase) -> None:
    user = pocketbase.sign_in(USER, "users")
    for path, token, collection in (
        ("/api/agent", pocketbase.token, "_superusers"),
        ("/api/mine", user, "users"),
        ("/api/mine", pocketbase.token, "_superusers"),
        ("/api/open.api", user, "users"),
    ):
        got = dict(pocketbase.fetch("GET", path, token=token).json["headers"])
        assert got["x-pocketbase-collection"] == collection
        assert len(got["x-pocketbase-user"]) == 15
        assert "authorization" not in got


def test_each_route_asks_for_its_own_rights(pocketbase: PocketBase) -> None:
    user = pocketbase.sign_in(USER, "users")
    seen = {
        (path, name): pocketbase.fetch("GET", path, token=token).status
        for path in ("/api/agent/x", "/api/agent", "/api/mine/x", "/api/open.api/x")
        for name, token in (("anonymous", ""), ("user", user), ("superuser", pocketbase.token))
    }
    assert seen == {
        ("/api/agent/x", "anonymous"): 401,
        ("/api/agent/x", "user"): 403,
        ("/api/agent/x", "superuser"): 200,
        ("/api/agent", "anonymous"): 401,
        ("/api/agent", "user"): 403,
        ("/api/agent", "superuser"): 200,
        ("/api/mine/x", "anonymous"): 401,
        ("/api/mine/x", "user"): 200,
        ("/api/mine/x", "superuser"): 200,
        ("/api/open.api/x", "anonymous"): 200,
        ("/api/open.api/x", "user"): 200,
        ("/api/open.api/x", "superuser"): 200,
    }


def test_a_redirect_is_passed_on(pocketbase: PocketBase) -> None:
    reply = pocketbase.fetch("POST", "/api/open.api/redirect", b"x")
    assert (reply.status, reply.headers["Location"]) == (302, "/elsewhere?x=1")


def test_what_cannot_be_passed_on_is_refused(pocketbase: PocketBase) -> None:
    too_long = {"Content-Length": str((5 << 20) + 1)}
    large = pocketbase.fetch("POST", "/api/open.api/echo", headers=too_long)  # refused before the body is sent
    assert (large.status, large.json["status"]) == (413, 413)
    assert pocketbase.fetch("POST", "/api/open.api/echo", b"x" * (5 << 20)).status == 201
    stream = pocketbase.fetch("GET", "/api/open.api/stream")
    assert stream.status == 501
    assert "http://127.0.0.1:" in stream.json["message"]
    assert pocketbase.fetch("GET", "/api/open.api/cut").status == 502
    assert pocketbase.fetch("GET", "/api/open.api/large").status == 502


def test_a_process_that_is_not_ready_gets_nothing(pocketbase: PocketBase) -> None:
    pocketbase.fetch("POST", "/api/pm/mine/stop", token=pocketbase.token)
    reply = pocketbase.fetch("GET", "/api/mine/x", token=pocketbase.token)
    assert (reply.status, reply.json["status"], reply.headers["Retry-After"]) == (503, 503, "2")
    (pocketbase.folder / "ready").unlink()
    try:
        pocketbase.fetch("POST", "/api/pm/mine/start?wait=false", token=pocketbase.token)
        eventually(lambda: pocketbase.row("mine")["stage"] == "waiting-for-health")
        assert pocketbase.fetch("GET", "/api/mine/x", token=pocketbase.token).status == 503
    finally:
        (pocketbase.folder / "ready").touch()
    eventually(lambda: pocketbase.fetch("GET", "/api/mine/x", token=pocketbase.token).status == 200)


def test_a_process_cannot_be_reached_past_pocketbase(pocketbase: PocketBase) -> None:
    """The manager's route takes no token but the manager's."""
    import http.client

    client = http.client.HTTPConnection(pocketbase.instance["url"].removeprefix("http://"))
    try:
        client.request("GET", "/_pm/forward/x", headers={"X-Pmtui-Route": "/api/agent"})
        assert client.getresponse().status == 401
    finally:
        client.close()
