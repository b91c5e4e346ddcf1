"""The client of the commands: blocking calls over one connection, by the standard library only.

Importing httpx takes 95 ms, as long as a whole command.
"""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TypeVar
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from pmtui.client.discovery import ManagerAddress
from pmtui.client.errors import TOKEN_INVALID, UnreachableError, decode_response, error_from_response
from pmtui.client.sse import LAST_EVENT_ID_HEADER, EventStreamParser, ServerSentEvent
from pmtui.control import InvalidError, UnavailableError

RESERVED_NAMES = ("list", "events", "config", "graph")
"""Routes below /api/pm; a process with such an id is addressed by percent-encoding a letter of it."""
Query = dict[str, object]
T = TypeVar("T")
REQUEST_TIMEOUT = 10.0
"""Seconds until a response that does not wait for a process is given up."""
POST_TIMEOUT = 30.0
"""The same for a request that changes something: a reload may have to run a config that is a program."""
STREAM_TIMEOUT = 40.0
"""Seconds of silence after which a stream counts as dead; the server sends a heartbeat every 15 s."""


class HttpClient:
    """Every method raises the `ControlError` of the response, or UnavailableError.

    `locate` is called again if the token is rejected: a starting manager accepts connections before its token can be
    found.
    """

    def __init__(
        self,
        place: ManagerAddress,
        locate: Callable[[], ManagerAddress] | None = None,
        *,
        timeout: float = REQUEST_TIMEOUT,
    ) -> None:
        self._timeout = timeout
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

    @property
    def token(self) -> str:
        """The token that requests carry; empty if none is known."""
        return self._token

    def get(self, path: str, form: type[T], **query: object) -> T:
        return decode_response(self.read("GET", path, **query), form)

    def post(self, path: str, form: type[T], body: object = None, **query: object) -> T:
        """Send a request that does not wait for a process."""
        return decode_response(self.read("POST", path, body, **query), form)

    def read(self, method: str, path: str, body: object = None, **query: object) -> bytes:
        """Return the body of a response. A GET is repeated if the kept-alive connection has been closed."""
        timeout = self._timeout if method == "GET" else POST_TIMEOUT
        with self._translate_errors():
            try:
                response = self._send(method, path, body, query, {}, timeout)
            except ConnectionError:
                self._connection.close()
                if method != "GET":
                    raise
                response = self._send(method, path, body, query, {}, timeout)
            with response:
                return read_checked(response)

    def stream(self, path: str, events: EventStreamParser, **query: object) -> Iterator[list[ServerSentEvent]]:
        """Yield the events of a stream after `events.last_event_id`, until the manager ends it.

        Raises UnavailableError if it is silent for too long, or the connection is lost.
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
        self, method: str, path: str, body: object, query: Query, headers: dict[str, str], timeout: float | None
    ) -> http.client.HTTPResponse:
        wanted = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
        given = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        is_raw = body is None or isinstance(body, bytes)
        given |= headers | ({} if is_raw else {"Content-Type": "application/json"})
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        self._connect(timeout)
        self._connection.request(method, f"{self._base}{path}{'?' if wanted else ''}{wanted}", content, given)
        response = self._connection.getresponse()
        if response.status != 401 or self._locate is None or (token := self._locate().token) == self._token:
            return response
        response.close()
        self._connection.close()
        self._token = token
        return self._send(method, path, body, query, headers, timeout)

    def _connect(self, timeout: float | None) -> None:
        if self._connection.sock is None:
            self._connection.timeout = self._timeout
            try:
                self._connection.connect()
            except OSError as error:
                raise UnreachableError(f"No manager listens at {self.url}: {error.strerror or error}.") from None
        self._connection.sock.settimeout(timeout)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise UnavailableError(f"The manager at {self.url} does not answer.") from None
        except ConnectionError:
            raise UnavailableError(f"The manager at {self.url} closed the connection before it answered.") from None
        except ValueError:
            raise InvalidError(TOKEN_INVALID) from None
        except (http.client.HTTPException, OSError) as error:
            raise UnavailableError(f"The server at {self.url} is not a pmtui manager: {error}.") from None


def read_checked(response: http.client.HTTPResponse) -> bytes:
    """Return the body of a successful response. Raises the ControlError of any other."""
    body = response.read()
    if response.status not in (200, 201):
        raise error_from_response(response.status, body)
    return body


def split_url(url: str) -> tuple[type[http.client.HTTPConnection], SplitResult]:
    """Return the kind of connection and the parts of the URL, whose scheme may be missing. Raises InvalidError."""
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    with suppress(ValueError):
        address = urlsplit(url if "//" in url else f"http://{url}")
        is_plain = url.isprintable() and " " not in url
        if is_plain and address.scheme in kinds and address.hostname and address.port != 0:
            return kinds[address.scheme], address
    raise InvalidError(f"invalid manager URL '{url}'; expected something like http://127.0.0.1:9615")


def process_path(process_id: str, *rest: str) -> str:
    """Return the path of a process, also if its id is the name of a route."""
    name = f"%{ord(process_id[0]):02X}{process_id[1:]}" if process_id in RESERVED_NAMES else quote(process_id, safe="")
    return "/".join(("/api/pm", name, *(quote(part, safe="") for part in rest)))
