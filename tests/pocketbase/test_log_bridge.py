"""Posting lines, against a real HTTP server in place of PocketBase."""

import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pmtui.control import Stream
from pmtui.pocketbase import log_bridge
from pmtui.pocketbase.log_bridge import LINE_RATE, LogBridge
from tests.eventually import DEADLINE, eventually
from tests.servers import free_port

TOKEN = "secret"


class Hook(http.server.ThreadingHTTPServer):
    """Takes batches as the hook does; `answer` is the status of the next ones."""

    def __init__(self, port: int = 0) -> None:
        self.batches: list[list[list[object]]] = []
        self.answer: Callable[[], int] = lambda: 204
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def messages(self) -> list[object]:
        return [line[1] for batch in self.batches for line in batch]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Hook)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["X-Pmtui-Signature"] == hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
        status = self.server.answer()
        if status == 204:
            self.server.batches.append(json.loads(body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        yield server
        server.shutdown()


def path_of(process_id: str, stream: Stream) -> str:
    return f"/logs/{process_id}-{stream}.log"


@pytest.fixture
def bridge(hook: Hook) -> Iterator[LogBridge]:
    made = LogBridge(hook.url, lambda: TOKEN, path_of)
    made.start()
    yield made
    made.close()


def test_lines_come_in_order_and_with_their_attributes(bridge: LogBridge, hook: Hook) -> None:
    bridge.chunk("web", "stdout", "r1", b"one\n\x1b[31mtwo\x1b[0m \xff\n", 2)
    bridge.chunk("web", "stderr", "r1", b"three\n", 1)
    bridge.line(log_bridge.WARN, "four")
    eventually(lambda: len(hook.messages) == 4)
    assert [line for batch in hook.batches for line in batch] == [
        [0, "[web][STDOUT] one", "web", "stdout", "r1"],
        [0, "[web][STDOUT] two \ufffd", "web", "stdout", "r1"],
        [8, "[web][STDERR] three", "web", "stderr", "r1"],
        [4, "[pmtui] four", "pmtui", "", ""],
    ]


def test_at_most_four_batches_a_second(bridge: LogBridge, hook: Hook) -> None:
    begun = time.monotonic()
    for number in range(60):
        bridge.line(log_bridge.INFO, str(number))
        time.sleep(0.02)
    eventually(lambda: len(hook.messages) == 60)
    assert len(hook.batches) <= 4 * (time.monotonic() - begun) + 1


def test_what_is_above_the_rate_is_counted_per_process(
    bridge: LogBridge, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_bridge, "WINDOW", 3600.0)  # no end while the lines come, however long that takes
    for _ in range(10):
        bridge.chunk("flood", "stdout", "r1", b"x\n" * 1000, 1000)
    bridge.chunk("flood", "stderr", "r1", b"y\n", 1)
    bridge.chunk("calm", "stdout", "r2", b"z\n", 1)
    monkeypatch.setattr(log_bridge, "WINDOW", 0.0)
    bridge.line(log_bridge.INFO, "word")
    expected = f"[flood] {10001 - LINE_RATE} lines more are in /logs/flood-stdout.log and /logs/flood-stderr.log"
    eventually(lambda: expected in hook.messages)
    assert hook.messages.count("[flood][STDOUT] x") == LINE_RATE
    assert hook.messages.count("[calm][STDOUT] z") == 1


def test_a_pocketbase_that_comes_later_gets_what_was_said_before() -> None:
    port = free_port()
    bridge = LogBridge(f"http://127.0.0.1:{port}", lambda: TOKEN, path_of)
    bridge.start()
    bridge.line(log_bridge.INFO, "early")
    time.sleep(0.3)
    with Hook(port) as hook:
        eventually(lambda: hook.messages == ["[pmtui] early"])
        bridge.close()
        hook.shutdown()


def test_memory_is_bounded_while_the_lines_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_bridge, "MAX_PENDING_BYTES", 100_000)
    monkeypatch.setattr(log_bridge, "LINE_RATE", 1_000_000)
    port = free_port()
    bridge = LogBridge(f"http://127.0.0.1:{port}", lambda: TOKEN, path_of)
    for _ in range(100):
        bridge.chunk("flood", "stdout", "r1", b"some line\n" * 100, 100)
        bridge.line(log_bridge.INFO, "word")
    assert len(bridge._pending) < 1000
    bridge.start()
    with Hook(port) as hook:
        eventually(lambda: any("lines more are in" in str(message) for message in hook.messages))
        warnings = [str(message) for message in hook.messages if "lines more are in" in str(message)]
        omitted = sum(int(text.split()[1]) for text in warnings)
        assert omitted + hook.messages.count("[flood][STDOUT] some line") == 10_000
        bridge.close()
        hook.shutdown()


@pytest.mark.parametrize("status", [401, 404])
def test_a_hook_that_is_not_there_yet_is_asked_again(bridge: LogBridge, hook: Hook, status: int) -> None:
    answers = [status, 204]
    hook.answer = lambda: answers.pop(0) if len(answers) > 1 else answers[0]
    bridge.line(log_bridge.INFO, "word")
    eventually(lambda: hook.messages == ["[pmtui] word"])


def test_what_may_have_been_taken_is_not_sent_twice_but_counted(bridge: LogBridge, hook: Hook) -> None:
    answers = [500, 204]
    hook.answer = lambda: answers.pop(0) if len(answers) > 1 else answers[0]
    bridge.chunk("web", "stdout", "r1", b"one\n", 1)
    eventually(lambda: hook.messages == ["[web] 1 line more is in /logs/web-stdout.log"])


def test_an_end_does_not_wait_for_a_pocketbase_that_stands_still(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_bridge, "RESPONSE_TIMEOUT", 3600.0)
    asked, held = threading.Event(), threading.Event()

    def answer() -> int:
        asked.set()
        held.wait()
        return 204

    hook.answer = answer
    bridge = LogBridge(hook.url, lambda: TOKEN, path_of)
    bridge.start()
    bridge.line(log_bridge.INFO, "word")
    assert asked.wait(DEADLINE)
    bridge.close()
    assert hook.batches == []
    held.set()


def test_nothing_to_say_costs_nothing(bridge: LogBridge, hook: Hook) -> None:
    time.sleep(0.6)
    assert hook.batches == []
    assert not bridge._wake.is_set()
