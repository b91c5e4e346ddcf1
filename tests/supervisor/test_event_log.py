import asyncio
from collections.abc import AsyncIterator

from pmtui.control import ProcessEvent, Status
from pmtui.supervisor.event_log import MAX_EVENTS, EventLog
from tests.eventually import DEADLINE


def event_log_of(count: int) -> EventLog:
    log = EventLog()
    add(log, count)
    return log


def add(log: EventLog, count: int) -> None:
    for _ in range(count):
        seq = log.last + 1
        log.append(ProcessEvent(seq=seq, id="web", from_=Status.STARTING, to=Status.RUNNING, reason="", time=""))


async def numbers(events: AsyncIterator[ProcessEvent], count: int) -> list[int]:
    async with asyncio.timeout(DEADLINE):
        return [(await anext(events)).seq for _ in range(count)]


async def test_a_reader_gets_events_from_then_on() -> None:
    log = event_log_of(3)
    events = log.subscribe()
    add(log, 2)
    assert await numbers(events, 2) == [4, 5]
    waiting = asyncio.create_task(numbers(events, 1))
    await asyncio.sleep(0)
    add(log, 1)
    assert await waiting == [6]


async def test_a_returning_reader_continues_after_its_last_event() -> None:
    log = event_log_of(5)
    events = log.subscribe(after=2)
    assert await numbers(events, 2) == [3, 4]
    add(log, 1)
    assert await numbers(events, 2) == [5, 6]


async def test_a_number_not_yet_reached_is_from_an_earlier_manager() -> None:
    assert await numbers(event_log_of(2).subscribe(after=3), 2) == [1, 2]


async def test_a_late_reader_sees_a_gap_in_the_numbers() -> None:
    log = event_log_of(1)
    events = log.subscribe(after=0)
    assert await numbers(events, 1) == [1]
    add(log, MAX_EVENTS + 7)
    assert await numbers(events, 2) == [9, 10]


async def test_events_added_while_a_reader_is_busy_are_yielded_once() -> None:
    log = event_log_of(3)
    events = log.subscribe(after=0)
    assert await numbers(events, 1) == [1]
    add(log, MAX_EVENTS)
    rest = await numbers(events, MAX_EVENTS + 2)
    assert rest == [*range(2, MAX_EVENTS + 4)]


async def test_readers_do_not_disturb_each_other() -> None:
    log = event_log_of(2)
    one, other = log.subscribe(after=0), log.subscribe(after=1)
    assert (await numbers(one, 2), await numbers(other, 1)) == ([1, 2], [2])
