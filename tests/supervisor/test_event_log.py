import asyncio
from collections.abc import AsyncIterator

from pmtui.control import ProcessEvent, Status
from pmtui.supervisor.event_log import MAX_EVENTS, EventLog
from tests.eventually import DEADLINE


def journal_of(count: int) -> EventLog:
    journal = EventLog()
    add(journal, count)
    return journal


def add(journal: EventLog, count: int) -> None:
    for _ in range(count):
        seq = journal.last + 1
        journal.append(ProcessEvent(seq=seq, id="web", from_=Status.STARTING, to=Status.RUNNING, reason="", time=""))


async def numbers(events: AsyncIterator[ProcessEvent], count: int) -> list[int]:
    async with asyncio.timeout(DEADLINE):
        return [(await anext(events)).seq for _ in range(count)]


async def test_a_reader_gets_what_comes_after_it_asked() -> None:
    journal = journal_of(3)
    events = journal.subscribe()
    add(journal, 2)
    assert await numbers(events, 2) == [4, 5]
    waiting = asyncio.create_task(numbers(events, 1))
    await asyncio.sleep(0)
    add(journal, 1)
    assert await waiting == [6]


async def test_a_reader_that_was_there_before_goes_on_behind_its_last_event() -> None:
    journal = journal_of(5)
    events = journal.subscribe(after=2)
    assert await numbers(events, 2) == [3, 4]
    add(journal, 1)
    assert await numbers(events, 2) == [5, 6]


async def test_a_number_that_has_not_been_reached_is_of_a_former_manager() -> None:
    assert await numbers(journal_of(2).subscribe(after=3), 2) == [1, 2]


async def test_a_reader_that_is_too_late_sees_a_gap_in_the_numbers() -> None:
    journal = journal_of(1)
    events = journal.subscribe(after=0)
    assert await numbers(events, 1) == [1]
    add(journal, MAX_EVENTS + 7)
    assert await numbers(events, 2) == [9, 10]


async def test_a_reader_that_sleeps_over_what_it_took_misses_nothing_twice() -> None:
    journal = journal_of(3)
    events = journal.subscribe(after=0)
    assert await numbers(events, 1) == [1]
    add(journal, MAX_EVENTS)
    rest = await numbers(events, MAX_EVENTS + 2)
    assert rest == [*range(2, MAX_EVENTS + 4)]


async def test_readers_do_not_disturb_each_other() -> None:
    journal = journal_of(2)
    one, other = journal.subscribe(after=0), journal.subscribe(after=1)
    assert (await numbers(one, 2), await numbers(other, 1)) == ([1, 2], [2])
