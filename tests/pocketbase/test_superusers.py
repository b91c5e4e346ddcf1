"""PocketBase under pmtui: its superusers use the manager's API with their own tokens."""

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui.pocketbase.superusers import Superusers, Verdict, is_auth_token
from tests.pocketbase.host import SUPERUSER, USER, PocketBase, Reply, fetch, plugin
from tests.running import Running, running
from tests.servers import free_port


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def manager(module_app: Path, port: int) -> Iterator[Running]:
    assert plugin(module_app, "uninstall").returncode == 0
    url = f"http://127.0.0.1:{port}"
    process = {
        "id": "pocketbase",
        "command": f"./pocketbase serve --http 127.0.0.1:{port}",
        "health": {"http": f"{url}/api/health"},
    }
    config = {"settings": {"pocketbase": {"url": url, "port": port}}, "processes": [process]}
    with running(module_app, config) as found:
        found.wait_running(["pocketbase"])
        yield found


@pytest.fixture(scope="module")
def tokens(manager: Running, port: int) -> dict[str, str]:
    """Tokens of a superuser and a user."""
    client = PocketBaseClient(port)
    return {"superuser": client.sign_in(SUPERUSER), "user": client.sign_in(USER, "users")}


class PocketBaseClient(PocketBase):
    """Speaks to a PocketBase that something else has started."""

    def __init__(self, port: int) -> None:
        self.port = port


def ask(manager: Running, authorization: str, path: str = "/api/pm/list") -> Reply:
    port = int(manager.url.rpartition(":")[2])
    return fetch(port, "GET", path, headers={"Authorization": authorization})


def test_a_superuser_may_use_the_api(manager: Running, tokens: dict[str, str]) -> None:
    reply = ask(manager, f"Bearer {tokens['superuser']}")
    assert (reply.status, [row["id"] for row in reply.json]) == (200, ["pocketbase"])
    assert ask(manager, manager.authorization["Authorization"]).status == 200


def test_others_may_not(manager: Running, tokens: dict[str, str]) -> None:
    for token in (tokens["user"], tokens["superuser"][:-3] + "abc", forged(), "wrong", ""):
        reply = ask(manager, f"Bearer {token}")
        assert (reply.status, reply.json["message"]) == (
            401,
            "A valid token is needed: the manager's own, or that of a superuser of PocketBase.",
        )


def test_a_superusers_token_opens_no_process(manager: Running, tokens: dict[str, str]) -> None:
    assert ask(manager, f"Bearer {tokens['superuser']}", "/_pm/forward/x").status == 401


def test_no_token_is_written_anywhere(manager: Running, tokens: dict[str, str]) -> None:
    ask(manager, f"Bearer {tokens['superuser']}")
    ask(manager, f"Bearer {tokens['user']}")
    texts = [manager.log, *(text_of(path) for path in manager.data.rglob("*") if path.is_file())]
    assert not any(token in text for token in tokens.values() for text in texts)


def text_of(path: Path) -> str:
    """Empty if the file has just been replaced."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(errors="replace")
    return ""


def test_without_that_pocketbase_the_answer_says_so(manager: Running, port: int) -> None:
    """The last test: PocketBase stays stopped."""
    token = PocketBaseClient(port).sign_in(SUPERUSER)  # of its own: the others are remembered since their first use
    assert ask(manager, f"Bearer {token}").status == 200
    assert manager.post("/api/pm/pocketbase/stop")[0] == 200
    assert ask(manager, f"Bearer {token}").status == 200  # remembered for a minute
    reply = ask(manager, f"Bearer {forged(iat=2)}")
    assert reply.status == 401
    assert reply.json["message"].endswith("does not answer.")
    assert "cannot be checked" in reply.json["message"]


async def test_an_answer_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    superusers = Superusers(f"http://127.0.0.1:{free_port()}")
    asked = []

    async def ask_pocketbase(token: str) -> Verdict:
        asked.append(token)
        return Verdict.SUPERUSER

    monkeypatch.setattr(superusers, "_ask", ask_pocketbase)
    for _ in range(3):
        assert await superusers(forged().encode()) == ""
    assert len(asked) == 1
    monkeypatch.setattr("pmtui.pocketbase.superusers.REMEMBERED", 0.0)
    other = forged(iat=1)
    await superusers(other.encode())
    await superusers(other.encode())
    assert asked[1:] == [other, other]


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "....", "a.e30.c", "a.W10.c", "a.é.c", "a." + "x" * 5000 + ".c"])
def test_what_cannot_be_a_token_is_not_asked_about(token: str) -> None:
    assert not is_auth_token(token)


def forged(**claims: object) -> str:
    """A token with the right form, signed by no PocketBase."""
    payload = {"type": "auth", "collectionId": "pbc_3142635823", "id": "x" * 15, "exp": 4102444800, **claims}
    encoded = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{encoded}.{'A' * 43}"
