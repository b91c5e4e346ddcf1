"""A stream of server-sent events, cut wherever it may be."""

import pytest

from pmtui.client.sse import Events, Told

STREAM = (
    b'retry: 1000\nid: 4\n\n: heartbeat\n\nid: 5\ndata: {"a": 1}\n\n'
    b"event: missed\ndata: {}\n\nid: web=1,x=2\ndata: one\ndata: two\n\n"
)
EVENTS = [Told("message", b'{"a": 1}'), Told("missed", b"{}"), Told("message", b"one\ntwo")]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_the_same_however_the_bytes_come(size: int) -> None:
    events = Events()
    told = [one for begin in range(0, len(STREAM), size) for one in events.feed(STREAM[begin : begin + size])]
    assert (told, events.place) == (EVENTS, "web=1,x=2")


@pytest.mark.parametrize(
    ("place", "begin"), [("17", "0"), ("web=12,1x=-7", "web=0,1x=0"), ("web-2=3", "web-2=0"), ("", "")]
)
def test_the_numbers_of_another_manager_begin_anew(place: str, begin: str) -> None:
    events = Events(place)
    events.feed(b"id: 99")
    events.resume()
    assert (events.place, events.feed(b"\n\n")) == (place, [])
    events.resume(elsewhere=True)
    assert events.place == begin


def test_the_place_is_that_of_what_was_taken() -> None:
    events = Events("3")
    assert events.feed(b"id: 7\ndata: x") == []
    assert events.place == "3"
    assert events.feed(b"\n\n") == [Told("message", b"x")]
    assert events.place == "7"
