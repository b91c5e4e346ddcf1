import asyncio
import threading
from collections.abc import Iterator

import pytest

from pmtui.control import NotFoundError, Status, UnavailableError
from pmtui.dashboard.backend.thread_control import thread_control
from tests.eventually import eventually_async
from tests.fake_control import FakeControl, snapshot


class Elsewhere:
    """A FakeControl on the loop of another thread."""

    def __init__(self) -> None:
        self.fake = FakeControl(snapshot("a"))
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.has_ended = False
        self.control = thread_control(self.fake, self.loop, lambda: self.has_ended)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    yield made
    if not made.loop.is_closed():
        made.end()


async def test_calls_run_on_the_other_loop(elsewhere: Elsewhere) -> None:
    assert [row.id for row in await elsewhere.control.list()] == ["a"]
    assert [node.id for node in (await elsewhere.control.graph()).nodes] == ["a"]
    assert await elsewhere.control.past_events("a", "1d", limit=5) == []
    assert elsewhere.fake.asked_history == {"since": "1d", "until": "", "limit": 5}
    assert (await elsewhere.control.usage_history("a", "6h", points=66)).step == 10
    assert elsewhere.fake.asked_history == {"since": "6h", "until": "", "points": 66}
    await elsewhere.control.restart("a")
    await elsewhere.control.kill("a")
    assert elsewhere.fake.calls == [("restart", "a"), ("kill", "a")]


async def test_errors_come_back(elsewhere: Elsewhere) -> None:
    with pytest.raises(NotFoundError, match="'b' not found"):
        await elsewhere.control.stop("b")


async def test_events_arrive(elsewhere: Elsewhere) -> None:
    events = elsewhere.control.events()
    first = asyncio.ensure_future(anext(events))
    await eventually_async(lambda: elsewhere.fake.queues)
    elsewhere.loop.call_soon_threadsafe(elsewhere.fake.put, snapshot("a", Status.FAILED))
    assert (await first).to is Status.FAILED
    await events.aclose()  # type: ignore[attr-defined]
    await eventually_async(lambda: not elsewhere.fake.queues)


async def test_a_call_that_the_end_of_the_manager_cancels_is_unavailable(elsewhere: Elsewhere) -> None:
    call = asyncio.ensure_future(elsewhere.control.wait("a", frozenset({Status.FAILED})))
    await eventually_async(lambda: elsewhere.fake.queues)
    elsewhere.loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(elsewhere.loop)])
    with pytest.raises(UnavailableError):
        await call


async def test_a_call_that_is_cancelled_here_is_cancelled_there(elsewhere: Elsewhere) -> None:
    call = asyncio.ensure_future(elsewhere.control.wait("a", frozenset({Status.FAILED})))
    await eventually_async(lambda: elsewhere.fake.queues)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await eventually_async(lambda: not elsewhere.fake.queues)


async def test_no_call_begins_while_the_loop_of_a_manager_is_closed(elsewhere: Elsewhere) -> None:
    elsewhere.has_ended = True
    with pytest.raises(UnavailableError):
        await elsewhere.control.restart("a")
    assert elsewhere.fake.calls == []


async def test_a_manager_that_has_ended_is_unavailable(elsewhere: Elsewhere) -> None:
    elsewhere.end()
    with pytest.raises(UnavailableError):
        await elsewhere.control.list()
