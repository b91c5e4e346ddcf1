import httpx
import pytest

from pmtui.control import ProcessEvent, Status
from tests.api.sse import reading
from tests.fake_control import NOON, FakeControl, snapshot


def change(seq: int, process_id: str, before: str, after: str, reason: str = "") -> dict[str, object]:
    return {"seq": seq, "id": process_id, "from": before, "to": after, "reason": reason, "time": NOON}


async def test_a_history_holds_the_events_of_its_process_only(client: httpx.AsyncClient, control: FakeControl) -> None:
    for process_id in ("worker", "web-1", "worker"):
        control.put(snapshot(process_id, Status.CRASHED), reason="exit 1")
    assert (await client.get("/api/pm/worker/events")).json() == [
        change(1, "worker", "stopped", "crashed", "exit 1"),
        change(3, "worker", "crashed", "crashed", "exit 1"),
    ]


async def test_the_history_of_an_unknown_process_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/pm/nobody/events")).status_code == 404


async def test_the_stream_sends_every_change_with_its_number(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.put(snapshot("web-1", Status.CRASHED))
    async with reading(client, "/api/pm/events") as reader:
        assert await reader.begin() == "1"
        control.put(snapshot("web-1"), reason="crash")
        control.put(snapshot("worker"))
        assert await reader.take(2) == [
            ("2", "message", change(2, "web-1", "crashed", "running", "crash")),
            ("3", "message", change(3, "worker", "stopped", "running")),
        ]


async def test_a_resumed_stream_sends_missed_events_once(client: httpx.AsyncClient, control: FakeControl) -> None:
    async with reading(client, "/api/pm/events") as reader:
        place = await reader.begin()
    control.put(snapshot("web-1", Status.CRASHED))
    control.put(snapshot("web-2", Status.CRASHED))
    async with reading(client, "/api/pm/events", place) as reader:
        assert (await reader.next()).id == "1"
    async with reading(client, "/api/pm/events", reader.place) as reader:
        assert (await reader.next()).id == "2"
        control.put(snapshot("web-1"))
        assert (await reader.next()).id == "3"


async def test_a_number_of_an_earlier_manager_restarts_the_stream(
    client: httpx.AsyncClient, control: FakeControl
) -> None:
    control.put(snapshot("web-1", Status.CRASHED))
    async with reading(client, "/api/pm/events", "5000") as reader:
        assert (await reader.begin(), (await reader.next()).id) == ("0", "1")


async def test_a_gap_is_reported_with_its_size(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.seq = 41
    control.told = [ProcessEvent(seq=41, id="web-1", from_=Status.STARTING, to=Status.RUNNING, reason="", time=NOON)]
    async with reading(client, "/api/pm/events", "7") as reader:
        assert await reader.next() == ("7", "missed", {"events": 33})
        assert (await reader.next()).id == "41"


@pytest.mark.parametrize("place", ["", "seven", "1e3", "9" * 19, "web=1"])
async def test_an_event_id_that_is_not_a_number_is_rejected(client: httpx.AsyncClient, place: str) -> None:
    answer = await client.get("/api/pm/events", headers={"Last-Event-ID": place})
    assert answer.json() == {"status": 400, "message": f"Last-Event-ID must be a number, not '{place}'.", "data": {}}
