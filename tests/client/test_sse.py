"""Parsing server-sent events from arbitrarily split bytes."""

import pytest

from pmtui.client.sse import EventStreamParser, ServerSentEvent

STREAM = (
    b'retry: 1000\nid: 4\n\n: heartbeat\n\nid: 5\ndata: {"a": 1}\n\n'
    b"event: missed\ndata: {}\n\nid: web=1,x=2\ndata: one\ndata: two\n\n"
)
EVENTS = [
    ServerSentEvent("message", b'{"a": 1}'),
    ServerSentEvent("missed", b"{}"),
    ServerSentEvent("message", b"one\ntwo"),
]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_do_not_depend_on_how_the_bytes_are_split(size: int) -> None:
    events = EventStreamParser()
    told = [one for begin in range(0, len(STREAM), size) for one in events.parse(STREAM[begin : begin + size])]
    assert (told, events.last_event_id) == (EVENTS, "web=1,x=2")


@pytest.mark.parametrize(
    ("place", "begin"), [("17", "0"), ("web=12,1x=-7", "web=0,1x=0"), ("web-2=3", "web-2=0"), ("", "")]
)
def test_numbers_of_another_manager_restart(place: str, begin: str) -> None:
    events = EventStreamParser(place)
    events.parse(b"id: 99")
    events.resume()
    assert (events.last_event_id, events.parse(b"\n\n")) == (place, [])
    events.resume(elsewhere=True)
    assert events.last_event_id == begin


def test_the_last_event_id_is_that_of_the_last_event() -> None:
    events = EventStreamParser("3")
    assert events.parse(b"id: 7\ndata: x") == []
    assert events.last_event_id == "3"
    assert events.parse(b"\n\n") == [ServerSentEvent("message", b"x")]
    assert events.last_event_id == "7"
