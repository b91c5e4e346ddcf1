from collections.abc import AsyncGenerator

import httpx
import pytest

from pmtui.control import DroppedLines, InvalidError, LogFileInfo, LogLine, LogQuery, LogStream
from tests.api.sse import reading
from tests.eventually import eventually_async
from tests.fake_control import NOON, FakeControl, snapshot

ALL = "/api/pm/logs/stream?ids=web-1"
STREAM = "/api/pm/web-1/logs/stream"


def line(seq: int, text: str = "", process_id: str = "web-1") -> LogLine:
    return LogLine(seq=seq, time=NOON, stream="stdout", text=text, run=1, id=process_id)


def told(seq: int, text: str = "", process_id: str = "web-1") -> dict[str, object]:
    return {"seq": seq, "time": NOON, "stream": "stdout", "text": text, "run": 1, "id": process_id}


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ("", {"lines": 100}),
        ("lines=7&stream=stderr", {"lines": 7, "stream": "stderr"}),
        ("since=5m&until=2026-11-20T12:00:00Z", {"lines": 100, "since": "5m", "until": "2026-11-20T12:00:00Z"}),
        ("grep=a%2Bb&run=previous&level=warn", {"lines": 100, "grep": "a+b", "run": "previous", "level": "warn"}),
        ("grep=&run=&format=json&other=1", {"lines": 100}),
    ],
)
async def test_the_query_is_passed_to_the_logs(
    client: httpx.AsyncClient, control: FakeControl, parameters: str, asked: LogQuery
) -> None:
    assert (await client.get(f"/api/pm/web-1/logs?{parameters}")).status_code == 200
    assert control.asked == asked


async def test_the_log_files_are_listed(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.files = [
        LogFileInfo(
            name="web-1-stdout.log", path="/srv/web-1-stdout.log", stream="stdout", size=12, time=NOON, archived=False
        )
    ]
    assert (await client.get("/api/pm/web-1/logs/files")).json() == [
        {
            "name": "web-1-stdout.log",
            "path": "/srv/web-1-stdout.log",
            "stream": "stdout",
            "size": 12,
            "time": NOON,
            "archived": False,
        }
    ]


async def test_a_delete_clears_the_logs(client: httpx.AsyncClient, control: FakeControl) -> None:
    answer = await client.delete("/api/pm/web-1/logs")
    assert answer.json() == {"message": "Logs cleared", "id": "web-1"}
    assert control.calls == [("clear logs", "web-1")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "logs/files"), ("DELETE", "logs"), ("GET", "logs/stream")],
)
@pytest.mark.parametrize("process_id", ["nobody", "web-*", "@front"])
async def test_a_pattern_is_not_accepted_as_an_id(
    client: httpx.AsyncClient, control: FakeControl, method: str, path: str, process_id: str
) -> None:
    answer = await client.request(method, f"/api/pm/{process_id}/{path}")
    assert (answer.status_code, answer.json()["message"]) == (404, f"Process '{process_id}' not found.")
    assert control.calls == []


async def test_a_stream_sends_the_last_lines_and_then_new_ones(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.lines["web-1"] = [line(1, "one"), line(2, "two")]
    async with reading(client, f"{STREAM}?lines=1") as reader:
        assert await reader.next() == ("2", "message", told(2, "two"))
        await eventually_async(lambda: control.following)
        control.following[0].put_nowait(line(3, "thr\tee\n"))
        assert await reader.next() == ("3", "message", told(3, "thr\tee\n"))


async def test_a_resumed_stream_continues_after_the_last_line(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.lines["web-1"] = [line(seq) for seq in range(1, 6)]
    async with reading(client, STREAM) as reader:
        await reader.take(3)
    async with reading(client, STREAM, reader.place) as reader:
        assert [event.id for event in await reader.take(2)] == ["4", "5"]


@pytest.mark.parametrize(("path", "place"), [(STREAM, "4021-1764400000123:4"), (ALL, "4021-1764400000123:web-1=4")])
async def test_an_id_of_an_earlier_manager_is_followed_by_all_lines_of_this_one(
    client: httpx.AsyncClient, control: FakeControl, path: str, place: str
) -> None:
    control.lines["web-1"] = [line(seq) for seq in range(1, 6)]
    async with reading(client, path, place) as reader:
        assert [event.data["seq"] for event in await reader.take(5)] == [1, 2, 3, 4, 5]
        manager = reader.place.rpartition(":")[0]
    async with reading(client, path, place.replace("4021-1764400000123", manager)) as reader:
        assert (await reader.next()).data["seq"] == 5


async def test_missed_lines_are_reported_without_an_event_id(client: httpx.AsyncClient, control: FakeControl) -> None:
    async with reading(client, STREAM) as reader:
        await eventually_async(lambda: control.following)
        for item in (line(1), DroppedLines(id="web-1", lines=12), line(14)):
            control.following[0].put_nowait(item)
        assert [(event.id, event.kind) for event in await reader.take(3)] == [
            ("1", "message"),
            ("1", "missed"),
            ("14", "message"),
        ]


async def test_an_unfinished_line_moves_no_position(client: httpx.AsyncClient, control: FakeControl) -> None:
    unfinished = LogLine(seq=2, time=NOON, stream="stdout", text="Password:", run=1, id="web-1", partial=True)
    async with reading(client, STREAM) as reader:
        await eventually_async(lambda: control.following)
        for item in (line(1), unfinished, line(2, "Password: ok")):
            control.following[0].put_nowait(item)
        assert await reader.take(3) == [
            ("1", "message", told(1)),
            ("1", "message", told(2, "Password:") | {"partial": True}),
            ("2", "message", told(2, "Password: ok")),
        ]


async def test_a_stream_of_several_keeps_a_position_for_each(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.lines |= {"web-1": [line(1)], "web-2": [line(7, process_id="web-2"), line(8, process_id="web-2")]}
    path = "/api/pm/logs/stream?ids=web-1,web-2"
    async with reading(client, path) as reader:
        assert await reader.begin() == "web-1=0,web-2=0"
        assert [event.id for event in await reader.take(2)] == ["web-1=1,web-2=0", "web-1=1,web-2=7"]
    async with reading(client, path, reader.place) as reader:
        assert await reader.next() == ("web-1=1,web-2=8", "message", told(8, process_id="web-2"))


async def test_without_ids_all_processes_are_selected(client: httpx.AsyncClient) -> None:
    async with reading(client, "/api/pm/logs/stream") as reader:
        assert await reader.begin() == "web-1=0,web-2=0,worker=0"


@pytest.mark.parametrize(
    ("path", "place", "status", "message"),
    [
        (STREAM, "web-1=1", 400, "Last-Event-ID must be a number, not 'web-1=1'."),
        ("/api/pm/logs/stream", "1", 400, "Last-Event-ID must have the form web=12,worker=7, not '1'."),
        ("/api/pm/logs/stream", "web=1,", 400, "Last-Event-ID must have the form web=12,worker=7, not 'web=1,'."),
        ("/api/pm/logs/stream?ids=", "a=1", 400, "ids must not be empty; omit it to select all processes."),
        ("/api/pm/logs/stream?ids=nobody", "a=1", 404, "No process matches 'nobody'."),
        (f"{STREAM}?stream=both", "1", 400, "stream must be one of stdout, stderr, not 'both'."),
    ],
)
async def test_an_invalid_stream_is_rejected_before_it_begins(
    client: httpx.AsyncClient, path: str, place: str, status: int, message: str
) -> None:
    answer = await client.get(path, headers={"Last-Event-ID": place})
    assert answer.json() == {"status": status, "message": message, "data": {}}


class TestFailingStream:
    @pytest.fixture
    def control(self) -> FakeControl:
        return FailingControl(snapshot("web-1"))

    async def test_reports_the_error_and_ends(self, client: httpx.AsyncClient) -> None:
        async with reading(client, STREAM) as reader:
            assert (await reader.next()).id == "1"
            assert await reader.next() == ("1", "error", {"status": 400, "message": "It takes too long.", "data": {}})
            with pytest.raises(StopAsyncIteration):
                await reader.next()


class FailingControl(FakeControl):
    async def follow_logs(self, *args: object, **query: object) -> LogStream:
        return LogStream({"web-1": 0}, self._failing())

    async def _failing(self) -> AsyncGenerator[LogLine | DroppedLines, None]:
        yield line(1)
        raise InvalidError("It takes too long.")
