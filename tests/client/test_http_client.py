"""The client of the commands, against all kinds of servers."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from pmtui.client.discovery import ManagerAddress
from pmtui.client.errors import UnreachableError
from pmtui.client.http_client import HttpClient, process_path
from pmtui.client.sse import EventStreamParser
from pmtui.control import InvalidError, NotFoundError, UnavailableError


def answer(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


Serve = Callable[[bytes], HttpClient]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A client of a server that answers every request with the same bytes, and closes."""
    listening = socket.create_server(("127.0.0.1", 0))
    clients: list[HttpClient] = []

    def begin(content: bytes) -> HttpClient:
        def live() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(content)

        threading.Thread(target=live, daemon=True).start()
        clients.append(HttpClient(ManagerAddress(f"http://127.0.0.1:{listening.getsockname()[1]}", "token")))
        return clients[0]

    yield begin
    for client in clients:
        client.__exit__(None, None, None)
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def test_a_response_is_decoded(serve: Serve) -> None:
    assert serve(answer("200 OK", b"[1, 2]")).get("/api/pm/list", list[int]) == [1, 2]


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (answer("404 Not Found", b'{"status": 404, "message": "No such.", "data": {}}'), NotFoundError, "No such."),
        (answer("503 Busy", b'{"message": "Later."}'), UnavailableError, "Later."),
        (answer("200 OK", b"<html>"), UnavailableError, "does not fit this version"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", UnavailableError, "is not a pmtui manager"),
        (b"", UnavailableError, "closed the connection before it answered"),
    ],
)
def test_a_bad_response_is_an_error(serve: Serve, content: bytes, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        serve(content).get("/api/pm/list", list[int])


def test_a_lost_stream_is_an_error_after_its_events(serve: Serve) -> None:
    chunk = b'id: 7\ndata: "x"\n\nid: 8\nda'
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    events = EventStreamParser()
    stream = serve(head + b"%x\r\n%s\r\n" % (len(chunk), chunk)).stream("/api/pm/events", events)
    assert [one.data for one in next(stream)] == [b'"x"']
    with pytest.raises(UnavailableError):
        next(stream)
    assert events.last_event_id == "7"


def test_an_address_without_a_listener_is_unreachable() -> None:
    with (
        HttpClient(ManagerAddress("127.0.0.1:1", "")) as client,
        pytest.raises(UnreachableError, match="Connection refused"),
    ):
        client.get("/api/pm/list", list[int])


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x:99999", "http://[", "", "http://x:0", "no host"])
def test_an_invalid_url_is_reported(url: str) -> None:
    with pytest.raises(InvalidError, match="invalid manager URL"):
        HttpClient(ManagerAddress(url, ""))


def test_a_token_that_no_header_can_carry_is_reported(serve: Serve) -> None:
    client = serve(b"")
    client._token = "a\nb"
    with pytest.raises(InvalidError, match="token"):
        client.get("/api/pm/list", list[int])


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("web", "logs"), "/api/pm/web/logs"),
        (("../x",), "/api/pm/..%2Fx"),
        (("list",), "/api/pm/%6Cist"),
        (("events", "events"), "/api/pm/%65vents/events"),
    ],
)
def test_every_id_has_its_own_path(words: tuple[str, ...], path: str) -> None:
    assert process_path(*words) == path
