"""The output of the processes, posted to PocketBase's log in batches: nothing ever waits for PocketBase."""

import hashlib
import hmac
import http.client
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from pmtui.control import Stream
from pmtui.text.sanitize import strip_escapes

ROUTE = "/_pm/log"
BATCH_INTERVAL = 0.25
MAX_BATCH_LINES = 5_000
MAX_BATCH_BYTES = 1 << 20
MAX_PENDING_BYTES = 4 << 20
LINE_OVERHEAD = 200
"""Bytes that a waiting line takes beside its text."""
LINE_RATE = 100
"""Lines a second of one process; the rest is counted."""
WINDOW = 1.0
CONNECT_TIMEOUT = 5.0
RESPONSE_TIMEOUT = 60.0
RETRY_DELAY = 1.0
FLUSH_TIMEOUT = 0.5

INFO, WARN, ERROR = 0, 4, 8
"""Levels as PocketBase numbers them."""

Outcome = Literal["sent", "unreachable", "lost"]
"""`unreachable`: PocketBase cannot have taken it; `lost`: it may have."""


class Line(NamedTuple):
    """What the hook is sent, in this order."""

    level: int
    message: str
    process: str
    stream: str
    run: str


class Quota:
    """How much of one process was sent in the present second, and what was left out."""

    def __init__(self, now: float) -> None:
        self.began = now
        self.sent = 0
        self.omitted = 0
        self.run = ""
        self.streams: set[Stream] = set()


class LogBridge:
    """Takes lines from any thread and posts them in its own; bounded, and what does not fit is counted.

    `token` is called before the first batch, `path_of` names the log file of a process's stream. The fragment of `url`
    is the name in PocketBase's certificate.
    """

    def __init__(self, url: str, token: Callable[[], str], path_of: Callable[[str, Stream], str]) -> None:
        self._client = HookClient(url, token)
        self._path_of = path_of
        self._lock = threading.Lock()
        self._pending: deque[Line] = deque()
        self._bytes = 0
        self._quotas: dict[str, Quota] = {}
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pmtui-pocketbase-log", daemon=True)

    def start(self) -> None:
        """Start the thread. Raises RuntimeError if the machine gives none."""
        self._thread.start()

    def line(self, level: int, text: str) -> None:
        """A message of the manager itself."""
        with self._lock:
            if self._bytes < MAX_PENDING_BYTES:
                self._put(Line(level, f"[pmtui] {text}", "pmtui", "", ""))
        self._wake.set()

    def chunk(self, process_id: str, stream: Stream, run: str, data: bytes, lines: int) -> None:
        """Whole lines of a process."""
        with self._lock:
            quota = self._quota(process_id, run)
            room = min(lines, LINE_RATE - quota.sent) if self._bytes < MAX_PENDING_BYTES else 0
            quota.sent += room
            if omitted := lines - room:
                quota.omitted += omitted
                quota.streams.add(stream)
            level = ERROR if stream == "stderr" else INFO
            head = f"[{process_id}][{stream.upper()}] "
            for text in data.split(b"\n", room)[:room]:
                self._put(Line(level, head + strip_escapes(text), process_id, stream, run))
        if room or omitted == lines:
            self._wake.set()

    def close(self) -> None:
        """Send what is left if PocketBase takes it at once."""
        self._closing.set()
        self._wake.set()
        self._thread.join(FLUSH_TIMEOUT)

    def _quota(self, process_id: str, run: str) -> Quota:
        now = time.monotonic()
        quota = self._quotas.get(process_id)
        if quota is None:
            quota = self._quotas[process_id] = Quota(now)
        elif now - quota.began >= WINDOW:
            self._end_window(process_id, quota, now)
        quota.run = run
        return quota

    def _end_window(self, process_id: str, quota: Quota, now: float) -> None:
        quota.began, quota.sent = now, 0
        if not quota.omitted or self._bytes >= MAX_PENDING_BYTES:
            return
        paths = " and ".join(self._path_of(process_id, stream) for stream in sorted(quota.streams, reverse=True))
        count = f"{quota.omitted} line{'s' if quota.omitted != 1 else ''} more"
        text = f"[{process_id}] {count} {'are' if quota.omitted != 1 else 'is'} in {paths}"
        self._put(Line(WARN, text, process_id, "", quota.run))
        quota.omitted = 0
        quota.streams.clear()

    def _put(self, line: Line) -> None:
        self._pending.append(line)
        self._bytes += len(line.message) + LINE_OVERHEAD

    def _run(self) -> None:
        due = 0.0
        while not self._closing.is_set():
            self._wake.wait(self._until_next_window())
            self._closing.wait(due - time.monotonic())
            self._wake.clear()
            due = time.monotonic() + BATCH_INTERVAL
            if not self._send_batch():
                due += RETRY_DELAY
                self._wake.set()
        while self._send_batch() and self._pending:
            pass

    def _until_next_window(self) -> float | None:
        with self._lock:
            begins = [quota.began for quota in self._quotas.values() if quota.omitted]
        return max(min(begins) + WINDOW - time.monotonic(), 0.0) if begins else None

    def _send_batch(self) -> bool:
        """Send the oldest lines; false if they could not be sent and still wait."""
        with self._lock:
            now = time.monotonic()
            for process_id, quota in self._quotas.items():
                if quota.omitted and (now - quota.began >= WINDOW or self._closing.is_set()):
                    self._end_window(process_id, quota, now)
            batch = self._take()
        if not batch:
            return True
        outcome = self._client.post(msgspec.json.encode(batch))
        with self._lock:
            if outcome == "unreachable":
                self._pending.extendleft(reversed(batch))
                self._bytes += sum(len(line.message) + LINE_OVERHEAD for line in batch)
                return False
            if outcome == "lost":
                self._count_lost(batch)
        if self._pending:
            self._wake.set()
        return True

    def _take(self) -> list[Line]:
        batch: list[Line] = []
        size = 0
        while self._pending and len(batch) < MAX_BATCH_LINES and size < MAX_BATCH_BYTES:
            line = self._pending.popleft()
            size += len(line.message) + LINE_OVERHEAD
            batch.append(line)
        self._bytes -= size
        return batch

    def _count_lost(self, batch: list[Line]) -> None:
        for line in batch:
            if line.stream in ("stdout", "stderr") and (quota := self._quotas.get(line.process)):
                quota.omitted += 1
                quota.streams.add(line.stream)  # type: ignore[arg-type]


class HookClient:
    """Posts to the hook's route. The token signs what is sent and is not sent itself: another program may have taken
    PocketBase's port.
    """

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = urlsplit(url)
        self._domain = self._url.fragment
        self._token = token

    def post(self, body: bytes) -> Outcome:
        """Send it on a new connection: PocketBase may close one that is kept just when it is used again."""
        headers = {"X-Pmtui-Signature": hmac.new(self._token().encode(), body, hashlib.sha256).hexdigest()}
        if self._domain:
            headers["Host"] = self._domain
        connection = self._connection()
        try:
            connection.connect()
        except OSError:
            return "unreachable"
        try:
            connection.sock.settimeout(RESPONSE_TIMEOUT)
            connection.request("POST", ROUTE, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return "lost"
        finally:
            connection.close()
        if status in (401, 404):  # PocketBase is loading its hooks, or has none any more
            return "unreachable"
        return "sent" if status < 300 else "lost"

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            return LocalTLSConnection(host, port, self._domain)
        return http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT)


class LocalTLSConnection(http.client.HTTPSConnection):
    """A connection to this machine, where the certificate is for `domain`."""

    def __init__(self, host: str, port: int | None, domain: str) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=CONNECT_TIMEOUT, context=self._tls)
        self._domain = domain

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._domain)
