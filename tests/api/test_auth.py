import httpx
import pytest

from pmtui.api.auth import AuthMiddleware
from tests.api.wire import exchange
from tests.fake_control import FakeControl


@pytest.mark.parametrize(
    "authorization",
    [[], [""], ["secret"], ["Bearer"], ["Bearer wrong"], ["Bearer secre"], ["Bearer secrets"], ["Basic secret"],
     ["Bearer secret secret"], ["Bearer Bearer secret"], ["Bearer secret", "Bearer secret"],
     ["Bearer wrong", "Bearer secret"], ["Bearer s\xe9cret"], ["Bearer " + "x" * 10_000]],
)  # fmt: skip
async def test_without_the_token_nothing_happens(port: int, control: FakeControl, authorization: list[str]) -> None:
    lines = "".join(f"Authorization: {value}\r\n" for value in authorization)
    head = f"POST /api/pm/web-1/stop HTTP/1.1\r\nHost: localhost:{port}\r\n{lines}\r\n"
    answer = await exchange(port, head.encode("latin-1"))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'bearer realm="pmtui"')
    assert answer.body == {
        "status": 401,
        "message": "A valid token is required; send 'Authorization: Bearer TOKEN'.",
        "data": {},
    }
    assert control.calls == []


async def test_the_token_is_checked_before_the_body_is_read(port: int) -> None:
    head = f"POST /api/pm/stop HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 60000\r\n\r\n"
    assert (await exchange(port, head.encode())).status == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
async def test_the_scheme_is_case_insensitive(client: httpx.AsyncClient, scheme: str) -> None:
    answer = await client.get("/api/pm/list", headers={"Authorization": f"{scheme} secret"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/health/", "/api/%68ealth", "/api/health/../pm/list"])
async def test_only_health_itself_needs_no_token(port: int, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
    assert (await exchange(port, request.encode())).status == 401


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
async def test_names_of_this_server_are_accepted(client: httpx.AsyncClient, port: int, host: str) -> None:
    answer = await client.get("/api/pm/list", headers={"Host": f"{host}:{port}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "localhost", "localhost:1", "localhost:0{port}", "::1:{port}", "127.0.0.1.:{port}",
             "localhost:{port}:{port}", "a@localhost:{port}", "localhost:{port}/", "127.1:{port}", ""]
)  # fmt: skip
async def test_any_other_host_is_rejected_before_the_token_is_checked(port: int, host: str) -> None:
    head = f"GET /api/health HTTP/1.1\r\nHost: {host.format(port=port)}\r\n\r\n"
    answer = await exchange(port, head.encode())
    assert answer.status == 403
    assert answer.body["message"].startswith("The Host header does not name this server")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://localhost:1", "http://localhost", "https://localhost:{port}",
               "http://127.0.0.1:{port}", "http://localhost:{port}/", "http://localhost:{port}.evil.example"]
)  # fmt: skip
async def test_any_other_origin_is_rejected(
    client: httpx.AsyncClient, control: FakeControl, port: int, origin: str
) -> None:
    headers = {"Host": f"localhost:{port}", "Origin": origin.format(port=port)}
    answer = await client.post("/api/pm/web-1/stop", headers=headers)
    assert (answer.status_code, control.calls) == (403, [])
    assert answer.json()["message"] == "Requests from another origin are not allowed."


async def test_the_own_origin_is_accepted(client: httpx.AsyncClient, port: int) -> None:
    headers = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert (await client.get("/api/pm/list", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("host", "port", "header", "ours"),
    [
        ("pm.lan", 9615, "PM.lan:9615", True),
        ("pm.lan", 9615, "evil.example:9615", False),
        ("fd00::5", 9615, "[FD00::5]:9615", True),
        ("0.0.0.0", 9615, "192.168.1.5:9615", True),
        ("::", 9615, "[fd00::5]:9615", True),
        ("0.0.0.0", 9615, "evil.example:9615", False),
        ("127.0.0.1", 80, "localhost", True),
        ("127.0.0.1", 80, "localhost:80", True),
    ],
)
def test_the_configured_host_is_accepted(host: str, port: int, header: str, ours: bool) -> None:
    async def application(*_: object) -> None:
        """Is not called in this test."""

    assert AuthMiddleware(application, "secret", host, port, ()).is_ours(header.encode()) is ours
