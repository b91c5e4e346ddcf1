from itertools import count

import pytest

from pmtui.logs import activity
from pmtui.logs.activity import LEVEL_PERIOD, Activity, LineActivity
from pmtui.logs.ring_buffer import RingBuffer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(activity, "monotonic", lambda: now[0])
    return now


def write(ring: RingBuffer, *texts: str) -> None:
    for text in texts:
        ring.append("stdout", 1, 0, f"{text}\n".encode(), 1)


def test_the_rate_is_that_of_the_last_seconds(clock: list[float]) -> None:
    ring = RingBuffer("a")
    measured = LineActivity(ring)
    assert measured.measure().rate == 0
    for number in count():
        clock[0] += 1
        write(ring, *["line"] * 4)
        if number == 10:
            break
        assert measured.measure().rate == 4
    clock[0] += 100
    measured.measure()
    clock[0] += 1
    assert measured.measure().rate == 0


def test_asking_often_changes_nothing(clock: list[float]) -> None:
    ring = RingBuffer("a")
    measured = LineActivity(ring)
    measured.measure()
    write(ring, "line")
    clock[0] += 1
    assert [measured.measure().rate for _ in range(5)] == [1.0] * 5


def test_the_worst_level_of_the_last_minute_is_kept(clock: list[float]) -> None:
    ring = RingBuffer("a")
    measured = LineActivity(ring)
    write(ring, "INFO fine", "WARN slow", "ERROR broken", "INFO fine")
    assert measured.measure() == Activity(0.0, "error")
    clock[0] += LEVEL_PERIOD - 1
    write(ring, "WARN slow")
    assert measured.measure().level == "error"
    clock[0] += 2
    assert measured.measure().level == "warn"
    clock[0] += LEVEL_PERIOD
    assert measured.measure().level is None
