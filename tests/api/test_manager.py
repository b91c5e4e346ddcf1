"""The API over a real manager with real processes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from pmtui import Manager, ProcessConfig
from pmtui.api.http.listener import Listener, listen
from pmtui.api.server import ApiServer
from pmtui.config.load import load_config
from pmtui.config.model import LogSettings
from pmtui.control import Status
from pmtui.supervisor.reload import ConfigSource
from pmtui.text.timestamps import STAMP_BYTES
from tests.api.sse import Reader, Told, reading
from tests.eventually import DEADLINE, eventually_async, eventually_awaited

COMPLETED = frozenset({Status.COMPLETED})
COUNT = 16_000
SMALL = LogSettings(max_size=16 << 10, keep=200)


def python(process_id: str, program: str, **fields: Any) -> ProcessConfig:
    return ProcessConfig(id=process_id, command=sys.executable, args=["-c", program], **fields)


def counting(process_id: str, pause: float = 0.0, **fields: Any) -> ProcessConfig:
    """Write numbered lines of 100 bytes as fast as possible, with a pause after each thousand."""
    program = (
        f"import time\nfor n in range({COUNT}):\n"
        f"    print(f'{process_id} {{n:<97}}', flush=n % 100 == 99)\n"
        f"    if n % 1000 == 999: time.sleep({pause})\n"
    )
    return python(process_id, program, restart="never", autostart=False, log=SMALL, **fields)


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    manager = Manager(log_directory=tmp_path / "logs")
    running = asyncio.create_task(manager.run())
    await asyncio.sleep(0)
    yield manager
    manager.shutdown()
    await asyncio.wait_for(running, DEADLINE)


@pytest.fixture
async def listener(manager: Manager) -> AsyncIterator[Listener]:
    listener = listen("127.0.0.1", 0)
    server = ApiServer(manager, "secret", listener)
    serving = asyncio.create_task(server.serve())
    yield listener
    await server.close()
    await serving


async def finished(reader: Reader) -> Told:
    """Return the next event that is no unfinished line: such a one comes again when it is whole."""
    while (event := await reader.next()).data.get("partial"):
        pass
    return event


async def numbers(reader: Reader, count: int) -> dict[str, list[int]]:
    """Return the numbers on the next lines, by process."""
    found: dict[str, list[int]] = {}
    for _ in range(count):
        event = await finished(reader)
        assert event.kind == "message", event
        name, number = event.data["text"].split()
        found.setdefault(name, []).append(int(number))
    return found


async def complete_files(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Return the files of `a` once they have every line: the newest ones are streamed before they are written."""
    files: list[dict[str, Any]] = (await client.get("/api/pm/a/logs/files")).json()
    return files if sum(file["size"] for file in files) == COUNT * (100 + STAMP_BYTES) else []


async def test_a_stream_through_a_hundred_rotations_has_every_line_once(
    client: httpx.AsyncClient, manager: Manager, tmp_path: Path
) -> None:
    manager.register(counting("a"))
    async with reading(client, "/api/pm/a/logs/stream") as reader:
        await client.post("/api/pm/a/start")
        assert await numbers(reader, COUNT) == {"a": [*range(COUNT)]}
    files = await eventually_awaited(partial(complete_files, client))
    assert len(files) > 100
    assert [file["archived"] for file in files if file["stream"] == "stdout"][:2] == [False, True]


async def test_an_often_interrupted_stream_of_several_has_every_line_once(
    client: httpx.AsyncClient, manager: Manager
) -> None:
    for process_id in ("a", "b"):
        manager.register(counting(process_id, pause=0.02))
    manager.register(counting("other"))
    await client.post("/api/pm/start", json={"ids": ["a", "b"]})
    found: dict[str, list[int]] = {"a": [], "b": []}
    place, part = "a=0,b=0", 2 * COUNT // 8
    for _ in range(8):
        async with reading(client, "/api/pm/logs/stream?ids=a,b", place) as reader:
            for process_id, more in (await numbers(reader, part)).items():
                found[process_id] += more
            place = reader.place
    assert found == {"a": [*range(COUNT)], "b": [*range(COUNT)]}


async def test_a_slow_reader_learns_what_it_missed_and_delays_nobody(
    client: httpx.AsyncClient, manager: Manager
) -> None:
    program, memory_alone = "for n in range(400_000): print(n)", LogSettings(file=False)
    manager.register(python("a", program, restart="never", autostart=False, log=memory_alone))
    async with reading(client, "/api/pm/a/logs/stream?lines=0") as reader:
        await client.post("/api/pm/a/start")
        await asyncio.wait_for(manager.wait("a", COMPLETED), DEADLINE)
        events = [await finished(reader)]
        while events[-1].data.get("text") != "399999":
            events.append(await finished(reader))
    lines = [event.data for event in events if event.kind == "message"]
    missed = sum(event.data["lines"] for event in events if event.kind == "missed")
    assert len(lines) + missed == 400_000
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})


async def test_lines_of_two_runs_are_distinguished(client: httpx.AsyncClient, manager: Manager) -> None:
    manager.register(python("a", "import time; print('hello', flush=True); time.sleep(600)"))
    await eventually_awaited(lambda: manager.logs("a"))
    await client.post("/api/pm/a/restart?wait=true")

    async def runs() -> bool:
        return [line.run for line in await manager.logs("a")] == [1, 2]

    await eventually_awaited(runs)
    for run, expected in (("current", [2]), ("previous", [1]), ("1", [1]), ("7", [])):
        answer = await client.get(f"/api/pm/a/logs?run={run}")
        assert [line["run"] for line in answer.json()] == expected


async def test_lines_are_filtered_by_pattern_and_level(client: httpx.AsyncClient, manager: Manager) -> None:
    manager.register(python("a", "print('INFO: up'); print('ERROR: down'); print('42 items')", restart="never"))
    await asyncio.wait_for(manager.wait("a", COMPLETED), DEADLINE)
    for query, expected in (
        ("grep=%5B0-9%5D%2B", ["42 items"]),
        ("level=warn", ["ERROR: down"]),
        ("since=1h", ["INFO: up", "ERROR: down", "42 items"]),
        ("until=1h", []),
        ("until=2020-01-01T00:00:00Z", []),
    ):
        answer = await client.get(f"/api/pm/a/logs?{query}")
        assert [line["text"] for line in answer.json()] == expected, query


@pytest.mark.parametrize(
    ("query", "name"),
    [("grep=(", "grep"), ("since=yesterday", "since"), ("run=last", "run"), ("level=loud", "level")],
)
@pytest.mark.parametrize("path", ["logs", "logs/stream"])
async def test_an_invalid_query_is_rejected(
    client: httpx.AsyncClient, manager: Manager, path: str, query: str, name: str
) -> None:
    manager.register(python("a", "pass", autostart=False))
    answer = await client.get(f"/api/pm/a/{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{name}: ")


async def test_cleared_logs_are_gone(client: httpx.AsyncClient, manager: Manager) -> None:
    manager.register(python("a", "print('hello')", restart="never"))
    await asyncio.wait_for(manager.wait("a", COMPLETED), DEADLINE)
    assert [line["text"] for line in (await client.get("/api/pm/a/logs")).json()] == ["hello"]
    await client.delete("/api/pm/a/logs")
    assert (await client.get("/api/pm/a/logs")).json() == []
    assert (await client.get("/api/pm/a/logs/files")).json() == []


async def test_events_of_a_real_process_are_streamed_and_resumed(client: httpx.AsyncClient, manager: Manager) -> None:
    manager.register(python("a", "import time; time.sleep(600)", autostart=False))
    async with reading(client, "/api/pm/events") as reader:
        await client.post("/api/pm/a/start?wait=true")
        assert [event.data["to"] for event in await reader.take(2)] == ["starting", "running"]
    await client.post("/api/pm/a/stop")
    async with reading(client, "/api/pm/events", reader.place) as reader:
        assert [(event.id, event.data["to"]) for event in await reader.take(2)] == [("3", "stopping"), ("4", "stopped")]
    history = (await client.get("/api/pm/a/events")).json()
    assert [event["seq"] for event in history] == [1, 2, 3, 4]


async def test_the_graph_shows_unmet_conditions(client: httpx.AsyncClient, manager: Manager) -> None:
    manager.register(python("web", "pass", depends_on={"db": "completed"}, autostart=False))
    manager.register(python("db", "import time; time.sleep(600)", autostart=False))
    await client.post("/api/pm/web/start")
    await manager.wait("db", frozenset({Status.RUNNING}))
    await eventually_async(lambda: manager.supervisor.processes["web"].blocked_reason.endswith("running"))
    why = "waits for db (completed): it is running"
    assert (await client.get("/api/pm/graph")).json() == {
        "nodes": [
            {"id": "web", "status": "waiting", "reason": why},
            {"id": "db", "status": "running", "reason": ""},
        ],
        "edges": [{"from": "web", "to": "db", "condition": "completed", "met": False, "why": why, "forever": False}],
        "order": [["db"], ["web"]],
    }


async def test_a_broken_config_is_reported_and_stops_nothing(
    client: httpx.AsyncClient, manager: Manager, tmp_path: Path
) -> None:
    path = tmp_path / "pb_processes.json"
    path.write_text('[{"id": "a", "command": "sleep 600"}]')
    manager.supervisor.load(ConfigSource(read=lambda: load_config(path), loaded=load_config(path)))
    await manager.wait("a", frozenset({Status.RUNNING}))
    path.write_text('[{"id": "a", "comand": "sleep 600"}]')
    changes = (await client.post("/api/pm/reload")).json()
    config = (await client.get("/api/pm/config")).json()
    assert config["errors"]
    same = {"added": [], "removed": [], "changed": [], "unchanged": ["a"]}
    assert changes == same | {"errors": config["errors"], "notes": []}
    assert (await client.get("/api/pm/a")).json()["status"] == "running"
    path.write_text('[{"id": "b", "command": "sleep 600"}]')
    assert (await client.post("/api/pm/reload?dryRun=true")).json()["removed"] == ["a"]
    assert [row["id"] for row in (await client.get("/api/pm/list")).json()] == ["a"]
    assert (await client.post("/api/pm/reload")).json()["added"] == ["b"]
    assert (await client.get("/api/pm/config")).json()["errors"] == []


async def test_metrics_count_restarts_by_reason_and_bytes_of_output(
    client: httpx.AsyncClient, manager: Manager
) -> None:
    manager.register(python("a", "print('x' * 99)", max_retries=2, backoff=0.01, restart="on-failure"))
    manager.register(python("b", "raise SystemExit(1)", max_retries=2, backoff=0.01))
    await asyncio.wait_for(manager.wait("a", COMPLETED), DEADLINE)
    await asyncio.wait_for(manager.wait("b", frozenset({Status.FAILED})), DEADLINE)
    await client.post("/api/pm/a/restart")
    await asyncio.wait_for(manager.wait("a", COMPLETED), DEADLINE)
    lines = (await client.get("/metrics")).text.splitlines()
    assert {
        'pmtui_process_restarts_total{id="a",reason="crash"} 0',
        'pmtui_process_restarts_total{id="a",reason="user"} 1',
        'pmtui_process_restarts_total{id="b",reason="crash"} 2',
        'pmtui_process_log_bytes_total{id="a"} 200',
        'pmtui_process_status{id="b",status="failed"} 1',
    } <= {*lines}
