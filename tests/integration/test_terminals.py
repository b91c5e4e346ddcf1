"""Terminals over a real manager's API, and the commands that use them."""

import base64
import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import DEADLINE, ends_with, eventually
from tests.running import PMTUI, Running, running

ECHO = "stty -echo; echo ready; while read -r line; do printf '\\033[32mgot %s\\033[0m\\n' \"$line\"; done"
CONFIG = [
    {"id": "shell", "command": ECHO, "shell": True, "tty": True},
    {"id": "pipe", "command": "cat", "stdin": True},
    {"id": "plain", "command": "sleep 600"},
]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("terminals"), CONFIG) as manager:
        manager.wait_running(["shell", "pipe", "plain"])
        yield manager


def send(manager: Running, path: str, body: bytes) -> tuple[int, Any]:
    with connected(manager) as client:
        client.request("POST", path, body, manager.authorization)
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())


@contextmanager
def connected(manager: Running) -> Iterator[http.client.HTTPConnection]:
    client = http.client.HTTPConnection(manager.url.removeprefix("http://"), timeout=DEADLINE)
    try:
        yield client
    finally:
        client.close()


def screen(manager: Running) -> dict[str, Any]:
    status, answer = manager.get("/api/pm/shell/screen")
    assert status == 200
    return answer  # type: ignore[no-any-return]


def wait_for(manager: Running, text: str) -> dict[str, Any]:
    """Wait until the whole line is on the screen, with its end; return the screen."""

    def found() -> dict[str, Any] | None:
        shown = screen(manager)
        return shown if text in shown["lines"] and shown["cursor"]["column"] == 0 else None

    return eventually(found) or {}


def pmtui(manager: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PMTUI, *arguments], cwd=manager.folder, capture_output=True, text=True, timeout=DEADLINE, check=False
    )


@contextmanager
def stream(manager: Running, path: str) -> Iterator[http.client.HTTPResponse]:
    with connected(manager) as client:
        client.request("GET", path, headers=manager.authorization)
        with client.getresponse() as answer:
            assert answer.status == 200
            yield answer


def test_input_and_screen(manager: Running) -> None:
    assert send(manager, "/api/pm/shell/input", b"one\r") == (200, {"message": "Input sent", "id": "shell"})
    answer = wait_for(manager, "got one")
    assert (answer["columns"], answer["rows"], answer["cursor"]["column"]) == (80, 24, 0)
    assert len(answer["lines"]) == 24
    status, text = manager.fetch("GET", "/api/pm/shell/screen?format=ansi")
    assert status == 200
    assert b"\x1b[32mgot one" in text


def test_the_log_has_the_same_output_without_colours(manager: Running) -> None:
    send(manager, "/api/pm/shell/input", b"logged\r")
    wait_for(manager, "got logged")
    lines = eventually(lambda: [line for line in manager.get("/api/pm/shell/logs")[1] if line["text"] == "got logged"])
    assert lines[0]["stream"] == "stdout"
    eventually(lambda: ends_with(manager.data / "logs/shell-stdout.log", b"\x1b[32mgot logged\x1b[0m\r\n"))


def test_the_raw_stream_is_the_output(manager: Running) -> None:
    with stream(manager, "/api/pm/shell/logs/stream?raw=true") as answer:
        send(manager, "/api/pm/shell/input", b"streamed\r")
        output, kind = b"", ""
        while b"got streamed" not in output:
            line = answer.readline().decode()
            if line.startswith("event: "):
                kind = line[7:].strip()
            elif line.startswith("data: ") and kind != "size":
                output += base64.b64decode(json.loads(line[6:])["data"])
            elif line == "\n":
                kind = ""
        assert b"\x1b[32mgot streamed" in output


@pytest.mark.parametrize("size", [b'{"columns": 0, "rows": 24}', b'{"columns": 80}', b'{"columns": 80.5, "rows": 24}'])
@pytest.mark.parametrize("other", [b"", b"[]", b'{"columns": true, "rows": 1}', b'{"columns": 1001, "rows": 1}'])
def test_a_size_that_is_none_is_refused(manager: Running, size: bytes, other: bytes) -> None:
    for body in (size, other):
        status, answer = send(manager, "/api/pm/shell/size", body)
        assert (status, "whole numbers from 1 to 1000" in answer["message"]) == (400, True)


def test_a_size_is_set(manager: Running) -> None:
    assert send(manager, "/api/pm/shell/size", b'{"columns": 100.0, "rows": 30}')[0] == 200
    assert (screen(manager)["columns"], screen(manager)["rows"]) == (100, 30)
    assert send(manager, "/api/pm/shell/size", b'{"columns": 80, "rows": 24}')[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/pm/plain/input", b"x"),
        ("POST", "/api/pm/plain/size", b'{"columns": 80, "rows": 24}'),
        ("POST", "/api/pm/pipe/size", b'{"columns": 80, "rows": 24}'),
        ("GET", "/api/pm/plain/screen", None),
    ],
)
def test_what_a_process_does_not_have_is_a_conflict(
    manager: Running, method: str, path: str, body: bytes | None
) -> None:
    status, answer = send(manager, path, body) if body else manager.request(method, path)
    assert status == 409
    assert "set tty" in answer["message"]


def test_input_is_bounded(manager: Running) -> None:
    assert send(manager, "/api/pm/pipe/input", b"x" * 65537)[0] == 413
    assert send(manager, "/api/pm/pipe/input", b"x" * 65535 + b"\n")[0] == 200


def test_the_token_is_needed(manager: Running) -> None:
    with connected(manager) as client:
        client.request("POST", "/api/pm/pipe/input", b"x")
        assert client.getresponse().status == 401


def test_send_writes_as_it_is(manager: Running) -> None:
    assert pmtui(manager, "send", "shell", "by hand", "--enter").returncode == 0
    wait_for(manager, "got by hand")
    assert pmtui(manager, "send", "pipe", "to a pipe\n").returncode == 0
    eventually(lambda: [line["text"] for line in manager.get("/api/pm/pipe/logs?lines=1")[1]] == ["to a pipe"])


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["plain", "x"], 1, "no stdin that can be written to"),
        (["nobody", "x"], 1, "not found"),
        (["shell"], 2, "nothing to send"),
    ],
)
def test_send_says_what_is_wrong(manager: Running, arguments: list[str], code: int, error: str) -> None:
    ended = pmtui(manager, "send", *arguments)
    assert (ended.returncode, error in ended.stderr) == (code, True)


def test_send_without_a_manager(tmp_path: Path) -> None:
    (tmp_path / "pb_processes.json").write_text("[]")
    ended = subprocess.run(
        [*PMTUI, "send", "a", "x"], cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert ended.returncode == 3


def test_eof_ends_a_pipe(tmp_path: Path) -> None:
    with running(tmp_path, [{"id": "a", "command": "cat", "stdin": True, "restart": "never"}]) as manager:
        manager.wait_running(["a"])
        assert pmtui(manager, "send", "a", "last words\n", "--eof").returncode == 0
        eventually(lambda: manager.row("a")["status"] == "completed")
        assert manager.get("/api/pm/a/logs")[1][0]["text"] == "last words"
