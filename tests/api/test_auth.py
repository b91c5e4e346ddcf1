import os
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pmtui.api.auth import AuthMiddleware, OpenHostError, Token, TokenError, load_token, require_own_token
from tests.api.wire import exchange
from tests.fake_control import FakeControl


class TestToken:
    def test_is_the_users_own_where_there_is_one(self, tmp_path: Path) -> None:
        assert load_token(tmp_path / "data", {"PMTUI_TOKEN": "mine"}) == Token("mine", is_generated=False)
        assert not (tmp_path / "data").exists()

    def test_is_made_once_and_for_its_owner_only(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        first, second = load_token(folder, {}), load_token(folder, {"PMTUI_TOKEN": ""})
        assert first == second
        assert first.is_generated
        assert len(first.value) >= 43
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
        assert os.listdir(folder) == ["token"]

    def test_is_another_one_everywhere(self, tmp_path: Path) -> None:
        assert load_token(tmp_path / "a", {}) != load_token(tmp_path / "b", {})

    def test_that_others_could_read_is_closed_to_them(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("known\n")
        (tmp_path / "token").chmod(0o644)
        assert load_token(tmp_path, {}) == Token("known", is_generated=True)
        assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600

    def test_file_that_is_empty_gets_a_new_one(self, tmp_path: Path) -> None:
        (tmp_path / "token").touch()
        assert load_token(tmp_path, {}).value == (tmp_path / "token").read_text().strip()

    @pytest.mark.parametrize(
        ("place", "message"),
        [
            (lambda path: path.symlink_to("/etc/passwd"), "is a symbolic link; remove it, and a new token is made"),
            (lambda path: os.mkfifo(path), "is not a regular file; remove it, and a new token is made"),
            (lambda path: path.mkdir(), "is not a regular file; remove it, and a new token is made"),
        ],
        ids=["symlink", "FIFO", "folder"],
    )
    def test_is_read_from_a_file_only(self, tmp_path: Path, place: Callable[[Path], None], message: str) -> None:
        place(tmp_path / "token")
        with pytest.raises(TokenError, match=f"^{tmp_path}/token {message}$"):
            load_token(tmp_path, {})

    @pytest.mark.parametrize("value", ["two words", "line\nbreak", "zwölf", "x" * 4097])
    def test_that_fits_no_header_is_refused(self, tmp_path: Path, value: str) -> None:
        with pytest.raises(TokenError, match="PMTUI_TOKEN must be at most 4096 visible ASCII characters"):
            load_token(tmp_path, {"PMTUI_TOKEN": value})

    def test_of_another_user_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "token").write_text("theirs")
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
        with pytest.raises(TokenError, match=r"/token belongs to another user; remove it, and a new token is made$"):
            load_token(tmp_path, {})

    def test_that_cannot_be_made_says_what_else_to_do(self, tmp_path: Path) -> None:
        (tmp_path / "data").touch()
        with pytest.raises(TokenError, match=r"cannot read or make .*/data/token: File exists; or set PMTUI_TOKEN"):
            load_token(tmp_path / "data", {})

    def test_does_not_show_in_a_log(self) -> None:
        assert "mine" not in repr(Token("mine", is_generated=False))

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost"])
    def test_that_was_made_is_enough_for_this_machine(self, host: str) -> None:
        require_own_token(host, Token("made", is_generated=True))

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "localhost.example.com", ""])
    def test_has_to_be_the_users_own_for_others(self, host: str) -> None:
        require_own_token(host, Token("mine", is_generated=False))
        with pytest.raises(OpenHostError, match="set PMTUI_TOKEN to a secret of your own"):
            require_own_token(host, Token("made", is_generated=True))


@pytest.mark.parametrize(
    "authorization",
    [[], [""], ["secret"], ["Bearer"], ["Bearer wrong"], ["Bearer secre"], ["Bearer secrets"], ["Basic secret"],
     ["Bearer secret secret"], ["Bearer Bearer secret"], ["Bearer secret", "Bearer secret"],
     ["Bearer wrong", "Bearer secret"], ["Bearer s\xe9cret"], ["Bearer " + "x" * 10_000]],
)  # fmt: skip
async def test_without_the_token_nothing_is_done(port: int, control: FakeControl, authorization: list[str]) -> None:
    lines = "".join(f"Authorization: {value}\r\n" for value in authorization)
    head = f"POST /api/pm/web-1/stop HTTP/1.1\r\nHost: localhost:{port}\r\n{lines}\r\n"
    answer = await exchange(port, head.encode("latin-1"))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'bearer realm="pmtui"')
    assert answer.body == {
        "status": 401,
        "message": "A valid token is needed: 'Authorization: Bearer TOKEN'.",
        "data": {},
    }
    assert control.calls == []


async def test_a_token_is_asked_for_before_the_body_is_read(port: int) -> None:
    head = f"POST /api/pm/stop HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 60000\r\n\r\n"
    assert (await exchange(port, head.encode())).status == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
async def test_the_scheme_is_in_any_letter_case(client: httpx.AsyncClient, scheme: str) -> None:
    answer = await client.get("/api/pm/list", headers={"Authorization": f"{scheme} secret"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/health/", "/api/%68ealth", "/api/health/../pm/list"])
async def test_only_health_itself_is_open(port: int, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
    assert (await exchange(port, request.encode())).status == 401


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
async def test_our_own_names_are_served(client: httpx.AsyncClient, port: int, host: str) -> None:
    answer = await client.get("/api/pm/list", headers={"Host": f"{host}:{port}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "localhost", "localhost:1", "localhost:0{port}", "::1:{port}", "127.0.0.1.:{port}",
             "localhost:{port}:{port}", "a@localhost:{port}", "localhost:{port}/", "127.1:{port}", ""]
)  # fmt: skip
async def test_any_other_host_is_refused_before_the_token(port: int, host: str) -> None:
    head = f"GET /api/health HTTP/1.1\r\nHost: {host.format(port=port)}\r\n\r\n"
    answer = await exchange(port, head.encode())
    assert answer.status == 403
    assert answer.body["message"].startswith("This Host is not one of this server's")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://localhost:1", "http://localhost", "https://localhost:{port}",
               "http://127.0.0.1:{port}", "http://localhost:{port}/", "http://localhost:{port}.evil.example"]
)  # fmt: skip
async def test_any_other_origin_is_refused(
    client: httpx.AsyncClient, control: FakeControl, port: int, origin: str
) -> None:
    headers = {"Host": f"localhost:{port}", "Origin": origin.format(port=port)}
    answer = await client.post("/api/pm/web-1/stop", headers=headers)
    assert (answer.status_code, control.calls) == (403, [])
    assert answer.json()["message"] == "Requests from pages of another origin are refused."


async def test_our_own_origin_is_served(client: httpx.AsyncClient, port: int) -> None:
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
def test_the_configured_host_is_one_of_ours(host: str, port: int, header: str, ours: bool) -> None:
    async def application(*_: object) -> None:
        """Nothing comes through in this test."""

    assert AuthMiddleware(application, Token("secret", is_generated=False), host, port).is_ours(header.encode()) is ours
