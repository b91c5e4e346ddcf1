"""The manager's API on PocketBase's own port."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen

import pytest

from pmtui.spawner.procfs import process_identity
from tests.eventually import eventually
from tests.pocketbase.conftest import Serve
from tests.pocketbase.host import JSON, USER, PocketBase, Reply, serving, write_config


@pytest.fixture(scope="module")
def pocketbase(module_app: Path) -> Iterator[PocketBase]:
    """A PocketBase whose processes tests only look at."""
    write_config(module_app, [{"id": name, "command": "sleep 600"} for name in ("ai-agent", "other")])
    with serving(module_app) as found:
        found.wait_running("ai-agent", "other")
        yield found


def test_lists_the_processes(pocketbase: PocketBase) -> None:
    assert [(row["id"], row["status"]) for row in pocketbase.rows()] == [("ai-agent", "running"), ("other", "running")]


def test_restarts_a_process(pocketbase: PocketBase) -> None:
    before = pocketbase.row("other")["pid"]
    reply = pocketbase.fetch("POST", "/api/pm/other/restart", token=pocketbase.token)
    assert (reply.status, reply.json) == (200, {"message": "Process restart initiated", "id": "other"})
    eventually(lambda: pocketbase.wait_running("other")["other"] != before)


def test_an_unknown_process_is_404(pocketbase: PocketBase) -> None:
    reply = pocketbase.fetch("POST", "/api/pm/nope/restart", token=pocketbase.token)
    assert (reply.status, reply.json) == (404, {"status": 404, "message": "Process 'nope' not found.", "data": {}})


def test_a_method_that_a_route_has_not_is_405(pocketbase: PocketBase) -> None:
    assert pocketbase.fetch("PUT", "/api/pm/list", token=pocketbase.token).status == 405


def test_passes_body_query_and_encoded_characters_on(pocketbase: PocketBase) -> None:
    body, headers = json.dumps({"ids": ["oth*", "no*"]}).encode(), {"Content-Type": JSON}
    reply = pocketbase.fetch("POST", "/api/pm/start", body, token=pocketbase.token, headers=headers)
    assert [(result["id"], result["ok"]) for result in reply.json["results"]] == [("other", True), ("no*", False)]
    plain = pocketbase.fetch("GET", "/api/pm/ai-agent/logs?format=text&lines=1", token=pocketbase.token)
    assert (plain.status, plain.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    encoded = pocketbase.fetch("GET", "/api/pm/a%2Fb", token=pocketbase.token)
    assert encoded.json["message"] == "Process 'a/b' not found."


def test_is_for_superusers_only(pocketbase: PocketBase) -> None:
    user = pocketbase.sign_in(USER, "users")
    tokens = {"": 401, "nonsense": 401, f"Bearer {pocketbase.secret}": 401, user: 403, f"Bearer {user}": 403}
    assert {token: pocketbase.fetch("GET", "/api/pm/list", token=token).status for token in tokens} == tokens
    assert pocketbase.fetch("POST", "/api/pm/other/stop", token=user).status == 403
    assert pocketbase.row("other")["status"] == "running"


@pytest.mark.parametrize("path", ["events", "logs/stream?ids=other", "other/logs/stream"])
def test_a_stream_is_left_to_the_managers_address(pocketbase: PocketBase, path: str) -> None:
    reply = pocketbase.fetch("GET", f"/api/pm/{path}", token=pocketbase.token)
    assert reply.status == 501
    assert f"{pocketbase.instance['url']}/api/pm/{path.partition('?')[0]}" in reply.json["message"]


def test_no_answer_holds_the_managers_token(pocketbase: PocketBase) -> None:
    for path in ("list", "config", "ai-agent", "graph"):
        assert pocketbase.secret not in pocketbase.fetch("GET", f"/api/pm/{path}", token=pocketbase.token).body.decode()
    assert pocketbase.secret not in pocketbase.log
    hook = pocketbase.folder / "pb_hooks" / "pmtui.pb.js"
    assert pocketbase.secret not in hook.read_text()


def test_is_503_while_no_manager_runs(serve: Serve) -> None:
    pocketbase = serve([{"id": "ai-agent", "command": "sleep 600"}])
    pocketbase.wait_running("ai-agent")
    manager = pocketbase.manager
    os.kill(manager, signal.SIGKILL)
    reply = eventually(lambda: found if (found := get_list(pocketbase)).status == 503 else None)
    assert reply is not None
    assert (reply.json["status"], reply.json["data"], reply.headers["Retry-After"]) == (503, {}, "2")


def test_a_manager_that_was_killed_is_asked_no_more_also_before_its_parent_has_noticed(app: Path) -> None:
    """Another program may listen on its port by then, and would be sent the token."""
    with serving(app) as found, ThreadPoolExecutor() as pool, socket.create_server(("127.0.0.1", 0)) as server:
        manager = Popen(["sleep", "600"])
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        (app / ".pmtui").mkdir()
        (app / ".pmtui" / "token").write_text("secret")
        (app / ".pmtui" / "instance.json").write_text(json.dumps(process_identity(manager.pid) | {"url": url}))
        reply = pool.submit(found.fetch, "GET", "/_pm/")
        with server.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert reply.result().body == b"ok"
        manager.kill()
        eventually(lambda: not process_identity(manager.pid))
        assert found.fetch("GET", "/_pm/").status == 503
        assert manager.wait() == -signal.SIGKILL


def get_list(pocketbase: PocketBase) -> Reply:
    return pocketbase.fetch("GET", "/api/pm/list", token=pocketbase.token)
