import asyncio

import httpx
import pytest

from pmtui.control import LogLine, Snapshot, Status, UnavailableError
from tests.api.wire import connected, post
from tests.eventually import eventually_async
from tests.fake_control import NOON, FakeControl, snapshot

NOT_FOUND = {"status": 404, "message": "Process 'nobody' not found.", "data": {}}


def line(seq: int, stream: str, text: str) -> LogLine:
    return LogLine(seq=seq, time=NOON, stream=stream, text=text, run=1, id="web-1")  # type: ignore[arg-type]


async def test_health_requires_no_token(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/health", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": 200, "message": "API is healthy.", "data": {}})


async def test_list_is_in_config_order_with_all_fields(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/pm/list")
    assert [row["id"] for row in answer.json()] == ["web-1", "web-2", "worker"]
    assert answer.json()[0] == {
        "id": "web-1",
        "pid": 4412,
        "status": "running",
        "startTime": "2026-11-20T11:59:00Z",
        "uptime": "1m0s",
        "restartCount": 0,
        "lastError": "",
        "uptimeSeconds": 60.0,
        "cpu": 1.5,
        "memory": 52428800,
        "ready": True,
        "health": None,
        "exitCode": None,
        "signal": None,
        "restartReason": None,
        "nextStart": None,
        "failures": 0,
        "reason": "",
        "group": "front",
        "command": "python web-1.py",
        "ports": [],
        "stage": None,
        "blocked": False,
        "blockedBy": None,
        "wantedBy": None,
        "wantedFor": None,
        "logProblem": None,
        "rollError": "",
        "rolling": None,
        "urls": [],
        "maxRetries": -1,
        "lineRate": 0.0,
        "level": None,
        "advice": "",
        "run": 0,
        "schedule": None,
        "lastRun": None,
        "labels": [],
        "origin": "config",
    }


async def test_get_returns_the_details_of_a_process(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/pm/web-1")).json()
    assert (answer["id"], answer["argv"], answer["cwd"]) == ("web-1", ["python", "web-1.py"], "/srv/app")
    assert answer["env"] == {"API_TOKEN": "********", "MODE": "test"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/pm/nobody"),
        ("GET", "/api/pm/nobody/logs"),
        ("POST", "/api/pm/nobody/start"),
        ("POST", "/api/pm/nobody/stop"),
        ("POST", "/api/pm/nobody/restart?wait=true"),
        ("POST", "/api/pm/nobody/signal/SIGHUP"),
    ],
)
async def test_an_unknown_id_is_not_found(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "path", ["web-*", "@front", "..%2f..%2fetc", "web-1%2frestart", "%00", "%2e%2e", "%ff", "web%252D1"]
)
async def test_paths_accept_exact_ids_only(client: httpx.AsyncClient, control: FakeControl, path: str) -> None:
    answers = [await client.get(f"/api/pm/{path}"), await client.post(f"/api/pm/{path}/stop")]
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(404, 404)] * 2
    assert control.calls == []


async def test_ids_are_percent_decoded_once(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/pm/web%2D1")).json()["id"] == "web-1"


async def test_an_encoded_slash_does_not_reach_another_route(port: int, control: FakeControl) -> None:
    async with connected(port) as (reader, writer):
        writer.write(post(port, "/api/pm/web-1%2frestart"))
        assert await reader.readline() == b"HTTP/1.1 405 Method Not Allowed\r\n"
    assert control.calls == []


@pytest.mark.parametrize(
    ("path", "message", "calls"),
    [
        ("restart", "Process restart initiated", ["restart"]),
        ("restart?wait=false", "Process restart initiated", ["restart"]),
        ("restart?wait=true", "Process restarted", ["restart"]),
        ("start", "Process start initiated", ["start"]),
        ("start?wait=true", "Process started", ["start"]),
        ("stop", "Process stopped", ["stop"]),
        ("stop?wait=false", "Process stop initiated", ["stop"]),
        ("stop?now=true", "Process stopped", ["kill"]),
        ("signal/SIGHUP", "Signal SIGHUP sent", ["signal SIGHUP"]),
    ],
)
async def test_an_operation_reports_what_it_did(
    client: httpx.AsyncClient, control: FakeControl, path: str, message: str, calls: list[str]
) -> None:
    answer = await client.post(f"/api/pm/web-1/{path}")
    assert (answer.status_code, answer.json()) == (200, {"message": message, "id": "web-1"})
    assert control.calls == [(call, "web-1") for call in calls]


class SlowControl(FakeControl):
    """Accepts every operation, and completes none."""

    def _become(self, operation: str, process_id: str, status: Status) -> None:
        self.calls.append((operation, process_id))
        way = Status.STOPPING if status is Status.STOPPED else Status.STARTING
        self.put(snapshot(self._row(process_id).id, way))


@pytest.mark.parametrize(
    ("operation", "ends", "status", "message"),
    [
        ("restart", snapshot("web", Status.RUNNING), 200, "Process restarted"),
        ("restart", snapshot("web", Status.COMPLETED), 200, "Process restarted"),
        ("restart", snapshot("web", Status.FAILED), 409, "Process 'web' is failed."),
        ("start", snapshot("web", Status.STOPPED), 409, "Process 'web' is stopped."),
        ("stop", snapshot("web", Status.STOPPED), 200, "Process stopped"),
        ("stop", snapshot("web", Status.RUNNING), 409, "Process 'web' is running."),
    ],
)
class TestWait:
    @pytest.fixture
    def control(self) -> FakeControl:
        return SlowControl(snapshot("web"))

    async def test_responds_once_the_status_is_reached(
        self, client: httpx.AsyncClient, control: FakeControl, operation: str, ends: Snapshot, status: int, message: str
    ) -> None:
        asking = asyncio.create_task(client.post(f"/api/pm/web/{operation}?wait=true"))
        await eventually_async(lambda: control.queues)
        control.put(ends)
        answer = await asking
        assert (answer.status_code, answer.json()["message"]) == (status, message)


class TestDisconnectedClient:
    @pytest.fixture
    def control(self) -> FakeControl:
        return SlowControl(snapshot("web"))

    async def test_leaves_no_task_behind(self, port: int, control: FakeControl) -> None:
        before = asyncio.all_tasks()
        async with connected(port) as (_, writer):
            writer.write(post(port, "/api/pm/web/restart?wait=true"))
            await eventually_async(lambda: control.queues)
        await eventually_async(lambda: asyncio.all_tasks() <= before)
        assert control.calls == [("restart", "web")]


async def test_a_bulk_operation_reports_each_id_and_each_unmatched_pattern(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/pm/stop", json={"ids": ["worker", "@front", "nobody-*"]})
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {"id": "worker", "ok": True, "message": ""},
            {"id": "web-1", "ok": True, "message": ""},
            {"id": "web-2", "ok": True, "message": ""},
            {"id": "nobody-*", "ok": False, "message": "No process matches 'nobody-*'."},
        ]
    }


@pytest.mark.parametrize("operation", ["start", "stop", "restart"])
async def test_a_bulk_operation_is_selected_by_its_path(
    client: httpx.AsyncClient, control: FakeControl, operation: str
) -> None:
    await client.post(f"/api/pm/{operation}", json={"ids": ["web-*"]})
    assert control.calls == [(operation, "web-1"), (operation, "web-2")]


async def test_logs_are_the_last_lines_oldest_first(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.lines["web-1"] = [line(1, "stdout", "one"), line(2, "stderr", "two"), line(3, "stdout", "three")]
    assert (await client.get("/api/pm/web-1/logs?lines=2")).json() == [
        {"seq": 2, "time": NOON, "stream": "stderr", "text": "two", "run": 1, "id": "web-1"},
        {"seq": 3, "time": NOON, "stream": "stdout", "text": "three", "run": 1, "id": "web-1"},
    ]


async def test_logs_can_be_limited_to_one_stream(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.lines["web-1"] = [line(1, "stdout", "one"), line(2, "stderr", "two")]
    assert [row["text"] for row in (await client.get("/api/pm/web-1/logs?stream=stderr")).json()] == ["two"]


async def test_logs_as_text_look_like_the_files(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.lines["web-1"] = [line(1, "stdout", "one"), line(2, "stderr", "zwölf")]
    answer = await client.get("/api/pm/web-1/logs?format=text")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == f"{NOON} one\n{NOON} zwölf\n"


@pytest.mark.parametrize(
    "path",
    ["/web", "/web/", "/web/index.html", "/api", "/api/pm/", "/api/pm/list/", "//api/pm/list", "/api/pm/a/b/c"],
)
async def test_a_path_without_a_route_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(httpx.URL(client.base_url, raw_path=path.encode()))
    assert answer.status_code == 404
    assert answer.json() == {"status": 404, "message": f"No route matches {path}.", "data": {}}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/pm/web-1", {"GET", "HEAD", "DELETE"}),
        ("OPTIONS", "/api/pm/list", {"GET", "HEAD"}),
        ("GET", "/api/pm/web-1/stop", {"POST"}),
        ("PUT", "/api/pm/stop", {"POST"}),
    ],
)
async def test_a_wrong_method_is_answered_with_the_allowed_ones(
    client: httpx.AsyncClient, control: FakeControl, method: str, path: str, allowed: set[str]
) -> None:
    answer = await client.request(method, path)
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.json() == {"status": 405, "message": f"{method} is not allowed for {path}.", "data": {}}
    assert control.calls == []


async def test_head_returns_the_length_without_a_body(client: httpx.AsyncClient) -> None:
    whole, head = await client.get("/api/pm/list"), await client.head("/api/pm/list")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


class BrokenControl(FakeControl):
    async def list(self) -> list[Snapshot]:
        raise RuntimeError("secret detail")

    async def stop(self, process_id: str) -> None:
        raise UnavailableError("The manager is on its way out.")


class TestErrors:
    @pytest.fixture
    def control(self) -> FakeControl:
        return BrokenControl(snapshot("web"))

    async def test_internal_ones_are_logged_and_not_shown(
        self, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer = await client.get("/api/pm/list")
        assert answer.status_code == 500
        assert answer.json() == {
            "status": 500,
            "message": "Internal error; see the manager's log.",
            "data": {},
        }
        assert "secret detail" in caplog.text

    async def test_of_a_manager_that_shuts_down_are_503(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/pm/web/stop")
        assert answer.json() == {"status": 503, "message": "The manager is on its way out.", "data": {}}
        assert answer.status_code == 503

    async def test_close_the_connection(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/pm/nobody")).headers["connection"] == "close"
