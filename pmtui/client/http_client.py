"""Asks a manager from a shell verb: plain calls over one connection, by the standard library alone.

httpx takes 95 ms to be imported, in which a verb is to be done.
"""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TypeVar
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from pmtui.client.discovery import ManagerAddress
from pmtui.client.errors import UnreachableError, decode_response, error_from_response
from pmtui.client.sse import LAST_EVENT_ID_HEADER, EventStreamParser, ServerSentEvent
from pmtui.control import InvalidError, UnavailableError

RESERVED_NAMES = ("list", "events", "config", "graph")
"""Below /api/pm these are not processes; a process of that name is asked for with an encoded letter."""
Query = dict[str, object]
T = TypeVar("T")
REQUEST_TIMEOUT = 10.0
"""Seconds for an answer that does not wait for a process."""
STREAM_TIMEOUT = 40.0
"""Seconds without a word, after which a stream is dead: its server speaks every 15 s."""


class HttpClient:
    """Every method raises the `ControlError` that the manager answers with, or UnavailableError.

    `locate` tells the place again: a manager that starts can be connected to before its token is found.
    """

    def __init__(self, place: ManagerAddress, locate: Callable[[], ManagerAddress] | None = None) -> None:
        kind, address = split_url(place.url)
        self.url = place.url
        self._token = place.token
        self._locate = locate
        self._base = address.path.rstrip("/")
        self._connection = kind(address.hostname or "", address.port)

    def __enter__(self) -> "HttpClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def get(self, path: str, form: type[T], **query: object) -> T:
        """The answer as a value of that type."""
        return decode_response(self.read("GET", path, **query), form)

    def post(self, path: str, form: type[T], body: object = None, **query: object) -> T:
        """The same for what does something; waits for as long as that takes."""
        return decode_response(self.read("POST", path, body, **query), form)

    def read(self, method: str, path: str, body: object = None, **query: object) -> bytes:
        """The bytes of an answer. A question is asked again where the connection was closed meanwhile."""
        patience = REQUEST_TIMEOUT if method == "GET" else None
        with self._translate_errors():
            try:
                response = self._send(method, path, body, query, {}, patience)
            except ConnectionError:
                self._connection.close()
                if method != "GET":
                    raise
                response = self._send(method, path, body, query, {}, patience)
            with response:
                return read_checked(response)

    def stream(self, path: str, events: EventStreamParser, **query: object) -> Iterator[list[ServerSentEvent]]:
        """What a stream tells, as it comes, from `events.place` on; ends when the manager ends it.

        Raises UnavailableError when it is silent for too long, or cut off.
        """
        events.resume()
        headers = {LAST_EVENT_ID_HEADER: events.last_event_id} if events.last_event_id else {}
        with self._translate_errors(), self._send("GET", path, None, query, headers, STREAM_TIMEOUT) as response:
            if response.status != 200:
                read_checked(response)
            while data := response.read1(1 << 16):
                if told := events.parse(data):
                    yield told

    def _send(
        self, method: str, path: str, body: object, query: Query, headers: dict[str, str], patience: float | None
    ) -> http.client.HTTPResponse:
        wanted = urlencode({name: value for name, value in query.items() if value is not None})
        given = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        given |= headers | ({"Content-Type": "application/json"} if body is not None else {})
        content = None if body is None else msgspec.json.encode(body)
        self._connect(patience)
        self._connection.request(method, f"{self._base}{path}{'?' if wanted else ''}{wanted}", content, given)
        response = self._connection.getresponse()
        if response.status != 401 or self._locate is None or (token := self._locate().token) == self._token:
            return response
        response.close()
        self._connection.close()
        self._token = token
        return self._send(method, path, body, query, headers, patience)

    def _connect(self, patience: float | None) -> None:
        if self._connection.sock is None:
            self._connection.timeout = REQUEST_TIMEOUT
            try:
                self._connection.connect()
            except OSError as error:
                raise UnreachableError(f"No manager answers at {self.url}: {error.strerror or error}.") from None
        self._connection.sock.settimeout(patience)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Tells what can happen to a connection in the words of `Control`."""
        try:
            yield
        except TimeoutError:
            raise UnavailableError(f"The manager at {self.url} does not answer.") from None
        except ConnectionError:
            raise UnavailableError(f"The manager at {self.url} has gone away before it answered.") from None
        except ValueError:
            raise InvalidError("The token is none: it has characters that no request can carry.") from None
        except (http.client.HTTPException, OSError) as error:
            raise UnavailableError(f"What answers at {self.url} cannot be understood: {error}.") from None


def read_checked(response: http.client.HTTPResponse) -> bytes:
    """The body of a good answer; raises what a bad one means."""
    body = response.read()
    if response.status != 200:
        raise error_from_response(response.status, body)
    return body


def split_url(url: str) -> tuple[type[http.client.HTTPConnection], SplitResult]:
    """The kind of connection, and where to; `http` is not needed. Raises InvalidError."""
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    with suppress(ValueError):
        address = urlsplit(url if "//" in url else f"http://{url}")
        is_plain = url.isprintable() and " " not in url
        if is_plain and address.scheme in kinds and address.hostname and address.port != 0:
            return kinds[address.scheme], address
    raise InvalidError(f"'{url}' is no address of a manager; it is like http://127.0.0.1:9615")


def process_path(process_id: str, *rest: str) -> str:
    """The path of what is asked about a process, also of one that is called as a route is."""
    name = f"%{ord(process_id[0]):02X}{process_id[1:]}" if process_id in RESERVED_NAMES else quote(process_id, safe="")
    return "/".join(("/api/pm", name, *(quote(part, safe="") for part in rest)))
