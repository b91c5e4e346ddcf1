import httpx
import msgspec
import pytest

from pmtui.control import ConfigChanges
from tests.fake_control import FakeControl

CHANGES = ConfigChanges(
    added=["new"], removed=[], changed=["web-1"], unchanged=["worker"], errors=[], notes=["restart it"]
)
TOLD = {
    "added": ["new"],
    "removed": [],
    "changed": ["web-1"],
    "unchanged": ["worker"],
    "errors": [],
    "notes": ["restart it"],
}


async def test_a_reload_reports_what_it_has_changed(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.changes = CHANGES
    answer = await client.post("/api/pm/reload")
    assert (answer.status_code, answer.json(), control.calls) == (200, TOLD, [("reload", "")])


async def test_a_dry_run_changes_nothing(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.changes = CHANGES
    answer = await client.post("/api/pm/reload?dryRun=true")
    assert (answer.status_code, answer.json(), control.calls) == (200, TOLD, [])


async def test_a_broken_config_is_reported(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.changes = msgspec.structs.replace(CHANGES, errors=["processes[0].script: expected a string"])
    assert (await client.post("/api/pm/reload")).json()["errors"] == ["processes[0].script: expected a string"]


@pytest.mark.parametrize("query", ["dryRun=yes", "dryRun="])
async def test_an_invalid_dry_run_flag_reloads_nothing(
    client: httpx.AsyncClient, control: FakeControl, query: str
) -> None:
    assert (await client.post(f"/api/pm/reload?{query}")).status_code == 400
    assert control.calls == []


async def test_a_process_may_be_named_reload(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/pm/reload")).json()["message"] == "Process 'reload' not found."


async def test_the_config_is_returned_with_its_errors(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.facts = msgspec.structs.replace(control.facts, errors=["settings.port: expected a port"])
    assert (await client.get("/api/pm/config")).json() == {
        "version": "0.1.0",
        "pid": 4000,
        "startTime": "2026-11-20T09:30:00Z",
        "url": "http://127.0.0.1:9615",
        "config": "/srv/agents/pmtui.toml",
        "searched": [],
        "errors": ["settings.port: expected a port"],
        "host": None,
    }


async def test_the_graph_shows_dependencies_and_unmet_conditions(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/pm/graph")).json() == {
        "nodes": [
            {"id": "web-1", "status": "running", "reason": ""},
            {"id": "web-2", "status": "running", "reason": ""},
            {"id": "worker", "status": "stopped", "reason": ""},
        ],
        "edges": [
            {
                "from": "web-1",
                "to": "worker",
                "condition": "started",
                "met": False,
                "why": "it is stopped",
                "forever": False,
            }
        ],
        "order": [["worker"], ["web-1", "web-2"]],
    }
