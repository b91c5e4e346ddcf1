from typing import Unpack

import httpx
import pytest

from pmtui.control import MAX_LINES, LogLine, PageQuery
from tests.fake_control import FakeControl, snapshot

LINES = f"lines must be a number from 0 to {MAX_LINES}, not "
JSON = {"Content-Type": "application/json"}


class CountingControl(FakeControl):
    """Records the requested number of lines."""

    async def logs(self, process_id: str, **query: Unpack[PageQuery]) -> list[LogLine]:
        self.calls.append((f"{query['lines']} of {query.get('stream')}", process_id))
        return []


@pytest.fixture
def control() -> FakeControl:
    return CountingControl(snapshot("web"))


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", "100 of None"),
        ("?lines=0", "0 of None"),
        ("?lines=007&stream=stdout", "7 of stdout"),
        (f"?lines={MAX_LINES + 1}", f"{MAX_LINES} of None"),
        ("?lines=9999999999999999999", f"{MAX_LINES} of None"),
    ],
)
async def test_lines_are_clamped(client: httpx.AsyncClient, control: FakeControl, query: str, asked: str) -> None:
    answer = await client.get(f"/api/pm/web/logs{query}")
    assert (answer.status_code, answer.json(), control.calls) == (200, [], [(asked, "web")])


@pytest.mark.parametrize("lines", ["-1", "1e9", "", "ten", "1_000", "+5", "0x10", "1.5", "١٢", "9" * 5000])
async def test_lines_must_be_a_number(client: httpx.AsyncClient, control: FakeControl, lines: str) -> None:
    answer = await client.get("/api/pm/web/logs", params={"lines": lines})
    assert answer.json() == {"status": 400, "message": f"{LINES}'{lines}'.", "data": {}}
    assert (answer.status_code, control.calls) == (400, [])


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "logs?stream=both", "stream must be one of stdout, stderr, not 'both'."),
        ("GET", "logs?format=xml", "format must be one of json, text, not 'xml'."),
        ("POST", "stop?wait=maybe", "wait must be one of true, false, not 'maybe'."),
    ],
)
async def test_an_unknown_value_is_answered_with_the_allowed_ones(
    client: httpx.AsyncClient, control: FakeControl, method: str, path: str, message: str
) -> None:
    answer = await client.request(method, f"/api/pm/web/{path}")
    assert answer.json() == {"status": 400, "message": message, "data": {}}
    assert (answer.status_code, control.calls) == (400, [])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"ids": ["web"]', b"\xff\xfe", b"NaN", b"[" * 60_000, b'{"ids":' * 9_000, b'{"ids": ["\x00"]}'],
    ids=["empty", "open", "cut", "not UTF-8", "NaN", "deep array", "deep object", "NUL"],
)
async def test_a_body_that_is_not_json_is_rejected(
    client: httpx.AsyncClient, control: FakeControl, body: bytes
) -> None:
    answer = await client.post("/api/pm/stop", content=body, headers=JSON)
    assert (answer.status_code, control.calls) == (400, [])
    assert answer.json()["message"].startswith("The body is not valid JSON: ")


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'{"ids": "web"}',
        b'{"ids": [1]}',
        b'{"ids": []}',
        b'{"ids": [""]}',
        b'{"names": ["web"]}',
        b'{"ids": ["web"], "force": true}',
        b'{"ids": ["%s"]}' % (b"w" * 129),
        b'{"ids": [%s"w"]}' % (b'"w",' * 1000),
    ],
)
async def test_a_body_of_the_wrong_shape_is_answered_with_the_right_one(
    client: httpx.AsyncClient, control: FakeControl, body: bytes
) -> None:
    answer = await client.post("/api/pm/stop", content=body, headers=JSON)
    assert (answer.status_code, control.calls) == (422, [])
    assert answer.json()["message"].startswith('The body must have the form {"ids": ["web-*", "@group"]}: ')


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_that_a_form_can_send_is_rejected(
    client: httpx.AsyncClient, control: FakeControl, kind: str
) -> None:
    answer = await client.post("/api/pm/stop", content=b'{"ids": ["web"]}', headers={"Content-Type": kind})
    assert (answer.status_code, control.calls) == (400, [])
    assert answer.json()["message"] == "The body must be JSON, sent with 'Content-Type: application/json'."


async def test_a_content_type_may_name_its_charset(client: httpx.AsyncClient, control: FakeControl) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = await client.post("/api/pm/stop", content=b'{"ids": ["web"]}', headers=headers)
    assert answer.json() == {"results": [{"id": "web", "ok": True, "message": ""}]}
