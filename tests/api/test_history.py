import httpx
import pytest

from pmtui.control import NotFoundError, PastEvent, Status, UnavailableError, UsageHistory
from tests.fake_control import NOON, FakeControl


def past(seq: int, **end: object) -> PastEvent:
    return PastEvent(
        seq=seq,
        id="web-1",
        from_=Status.RUNNING,
        to=Status.CRASHED,
        reason="exit 1",
        time=NOON,
        **end,  # type: ignore[arg-type]
    )


async def test_the_usage_of_a_process_is_answered_with_its_events(
    client: httpx.AsyncClient, control: FakeControl
) -> None:
    control.usage = UsageHistory(
        since=NOON,
        step=10,
        cpu=[1.5, None],
        memory=[4096, None],
        latency=[None, None],
        events=[past(1), past(2, exit_code=None, signal="SIGKILL", last_words=["bye"])],
    )
    answer = await client.get("/api/pm/web-1/history?since=1d&until=5m&points=2")
    assert control.asked_history == {"since": "1d", "until": "5m", "points": 2}
    event = {"seq": 1, "id": "web-1", "from": "running", "to": "crashed", "reason": "exit 1", "time": NOON}
    assert answer.json() == {
        "since": NOON,
        "step": 10,
        "cpu": [1.5, None],
        "memory": [4096, None],
        "latency": [None, None],
        "events": [event, event | {"seq": 2, "exitCode": None, "signal": "SIGKILL", "lastWords": ["bye"]}],
    }


async def test_the_last_hour_is_answered_if_nothing_else_is_asked_for(
    client: httpx.AsyncClient, control: FakeControl
) -> None:
    assert (await client.get("/api/pm/web-1/history")).status_code == 200
    assert control.asked_history == {"since": "1h", "until": "", "points": 300}


async def test_past_events_are_those_since_a_time(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.past = [past(1), past(2), past(3)]
    answer = await client.get("/api/pm/web-1/events?since=1d&limit=2")
    assert [event["seq"] for event in answer.json()] == [2, 3]
    assert control.asked_history == {"since": "1d", "until": "", "limit": 2}
    await client.get("/api/pm/web-1/events?until=5m")
    assert control.asked_history == {"since": "1970-01-01T00:00:00Z", "until": "5m", "limit": 1000}


async def test_without_a_time_events_are_those_of_this_manager(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.past = [past(1)]
    assert (await client.get("/api/pm/web-1/events")).json() == []
    assert control.asked_history == {}


@pytest.mark.parametrize(
    "query", ["history?points=many", "history?points=", "history?points=1.5", "events?limit=-1", "events?limit=1001"]
)
async def test_a_number_that_is_none_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/pm/web-1/{query}")
    assert answer.status_code == 400
    assert query.partition("?")[2].partition("=")[0] in answer.json()["message"]


@pytest.mark.parametrize(("error", "status"), [(NotFoundError("off"), 404), (UnavailableError("damaged"), 503)])
async def test_a_history_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, control: FakeControl, error: NotFoundError, status: int
) -> None:
    control.history_error = error
    answer = await client.get("/api/pm/web-1/history")
    assert (answer.status_code, answer.json()["message"]) == (status, str(error))
