import asyncio
import re
from typing import Any

import httpx
import msgspec
import pytest
from starlette.routing import Route

from pmtui.api.app import Api
from pmtui.api.endpoints import ENDPOINTS, EVENTS, JSON, Endpoint
from pmtui.api.openapi import document
from pmtui.api.parameters import NewProcess
from pmtui.control import LogFileInfo, LogLine, ProbeResult, RunExit, Status, TerminalSize
from tests.api.sse import reading
from tests.fake_control import NOON, FakeControl, snapshot

PARTS = {"id": "web-1", "name": "SIGHUP"}
ONLY_JSON = [one for one in ENDPOINTS if one.media[0] == JSON]
STREAMS = [one for one in ENDPOINTS if one.media == (EVENTS,)]


@pytest.fixture
def control() -> FakeControl:
    """Returns a full value for every request."""
    control = RichControl(snapshot("web-1", group="front", ports=[80]), snapshot("worker", Status.STOPPED))
    control.lines["web-1"] = [LogLine(seq=1, time=NOON, stream="stdout", text="one", run=1, id="web-1")]
    control.files = [LogFileInfo(name="f", path="/f", stream="stdout", size=1, time=NOON, archived=False)]
    control.put(snapshot("web-1"))
    control.terminals["web-1"] = asyncio.Queue()
    return control


class RichControl(FakeControl):
    async def get(self, process_id: str) -> Any:
        probe = ProbeResult(time=NOON, ok=True, latency_ms=1.5, message="200")
        gone = RunExit(run=1, time=NOON, code=1, signal=None, uptime_seconds=1.0, lines=["bye"])
        return msgspec.structs.replace(await super().get(process_id), exits=[gone], probes=[probe])


def filled(one: Endpoint) -> str:
    return one.path.format_map(PARTS)


def test_it_describes_exactly_the_existing_routes(control: FakeControl) -> None:
    routes = [route for route in Api(control, has_web=False).routes if isinstance(route, Route)]
    there = {(method, route.path) for route in routes for method in (route.methods or ()) if method != "HEAD"}
    no_page = ("GET", "/")  # says that there is none
    assert sorted([*((one.method, one.path) for one in ENDPOINTS), no_page]) == sorted(there)


def test_every_part_of_a_path_is_described() -> None:
    for one in ENDPOINTS:
        described = [parameter["name"] for parameter in one.parameters if parameter["in"] == "path"]
        assert described == re.findall(r"{(\w+)}", one.path)


def test_names_are_unique() -> None:
    assert len({one.operation_id for one in ENDPOINTS}) == len(ENDPOINTS)


def test_its_references_resolve() -> None:
    text = msgspec.json.encode(document("1.0")).decode()
    names = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert names <= document("1.0")["components"]["schemas"].keys()


async def test_it_is_served(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/openapi.json")).json()
    assert answer == document("0.1.0")
    assert (answer["openapi"], answer["info"]["version"]) == ("3.1.0", "0.1.0")


@pytest.mark.parametrize("path", ["/openapi.json", "/metrics"])
async def test_everything_but_health_requires_the_token(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers={"Authorization": ""})).status_code == 401
    operations = [operation for path in document("1")["paths"].values() for operation in path.values()]
    assert [operation["operationId"] for operation in operations if operation.get("security") == []] == ["health"]


@pytest.mark.parametrize("one", ONLY_JSON, ids=[one.operation_id for one in ONLY_JSON])
async def test_a_response_matches_its_description(client: httpx.AsyncClient, one: Endpoint) -> None:
    bodies = {TerminalSize: {"columns": 80, "rows": 24}, NewProcess: {"id": "job", "command": "true"}}
    body = bodies.get(one.body, {"ids": ["web-*"]})
    answer = await client.request(one.method, filled(one), json=body if one.body else None)
    assert answer.status_code == one.status
    assert answer.json()
    assert msgspec.to_builtins(msgspec.json.decode(answer.content, type=one.answer)) == answer.json()


@pytest.mark.parametrize("one", STREAMS, ids=[one.operation_id for one in STREAMS])
async def test_an_event_matches_its_description(client: httpx.AsyncClient, one: Endpoint) -> None:
    async with reading(client, filled(one), "0" if one.operation_id != "streamLogsOfMany" else None) as reader:
        data = (await reader.next()).data
    assert msgspec.to_builtins(msgspec.convert(data, one.answer)) == data


async def test_an_error_matches_its_description(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/pm/nobody")).json()
    described = document("1")["components"]["schemas"]["ErrorAnswer"]
    assert answer.keys() == described["properties"].keys()
