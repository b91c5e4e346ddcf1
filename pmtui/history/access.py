"""Answer requests for the history: parse their parameters, and ask the recorder."""

from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from pmtui.control import (
    MAX_EVENTS,
    MAX_POINTS,
    InvalidError,
    PastEvent,
    ProcessEvent,
    Status,
    UnavailableError,
    UsageHistory,
)
from pmtui.history.errors import HistoryError
from pmtui.text.timestamps import now_ms, parse_time, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pmtui.history.recorder import Recorder
    from pmtui.history.records import EventRecord
    from pmtui.history.series import Series
    from pmtui.history.store import HistoryStore


async def usage_history(recorder: "Recorder", process_id: str, since: str, until: str, points: int) -> UsageHistory:
    """Raises InvalidError for invalid parameters, UnavailableError while the file cannot be read."""
    if not 1 <= points <= MAX_POINTS:
        raise InvalidError(f"points is a number from 1 to {MAX_POINTS}, not {points}.")
    start, end = time_range(since, until)

    def read(store: "HistoryStore") -> "tuple[Series, Sequence[EventRecord]]":
        return store.series(process_id, start, end, points), store.events(process_id, start, end + 1, MAX_EVENTS)

    with history_errors():
        series, events = await recorder.ask(read)
    return UsageHistory(
        since=rfc3339(start),
        step=series.step,
        cpu=[*series.cpu],
        memory=[*series.memory],
        latency=[*series.latency],
        events=[past_event(event) for event in events],
    )


async def past_events(recorder: "Recorder", process_id: str, since: str, until: str, limit: int) -> list[PastEvent]:
    """Raises InvalidError for invalid parameters, UnavailableError while the file cannot be read."""
    start, end = time_range(since, until)
    with history_errors():
        events = await recorder.ask(lambda store: store.events(process_id, start, end + 1, min(limit, MAX_EVENTS)))
    return [past_event(event) for event in events]


def recent_events(events: Iterable[ProcessEvent], since: str, until: str, limit: int) -> list[PastEvent]:
    """Return those of the given events, without a history. Raises InvalidError."""
    start, end = (rfc3339(edge) for edge in time_range(since, until))
    found = [PastEvent(**msgspec.structs.asdict(event)) for event in events if start <= event.time <= end]
    return found[-limit:] if limit else []


def past_event(event: "EventRecord") -> PastEvent:
    past = PastEvent(
        seq=event.seq,
        id=event.process_id,
        from_=Status(event.before),
        to=Status(event.after),
        reason=event.reason,
        time=rfc3339(event.time_ms),
    )
    if (end := event.run_end) is None:
        return past
    return msgspec.structs.replace(past, exit_code=end.exit_code, signal=end.signal, last_words=[*end.last_words])


def time_range(since: str, until: str) -> tuple[int, int]:
    """Parse two times into milliseconds since 1970. Raises InvalidError."""
    now = now_ms()
    start, end = moment("since", since, now), moment("until", until, now) if until else now
    if start > end or (start == end and until):
        raise InvalidError(f"since has to be before until: {rfc3339(start)} is not before {rfc3339(end)}.")
    return start, end


def moment(name: str, text: str, now: int) -> int:
    try:
        return max(parse_time(text, now), 0)
    except (ValueError, OverflowError) as error:
        raise InvalidError(f"{name}: {error}.") from None


@contextmanager
def history_errors() -> "Iterator[None]":
    try:
        yield
    except HistoryError as error:
        raise UnavailableError(f"The history cannot be read: {error}.") from None
