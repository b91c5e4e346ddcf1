import random

from pmtui.logs.files.stream_order import StreamOrder, count_between, first_from, number_at, numbers_backwards
from pmtui.logs.process_log import STREAMS


def test_the_numbers_of_a_stream_are_remembered() -> None:
    order, chance = StreamOrder(), random.Random(1)
    expected: dict[str, list[int]] = {"stdout": [], "stderr": []}
    first = 1
    for _ in range(200):
        stream = chance.choice(STREAMS)
        lines = chance.randrange(1, 5)
        order.record(stream, first)
        expected[stream] += range(first, first + lines)
        first += lines
    for stream in STREAMS:
        numbers = expected[stream]
        for last in (numbers[-1], numbers[10]):
            assert list(numbers_backwards(order.ranges(stream, last))) == [
                number for number in reversed(numbers) if number <= last
            ]


def test_numbers_are_found_by_their_ranges() -> None:
    ranges = [range(90, 101), range(20, 30), range(3, 5)]
    numbers = list(numbers_backwards(ranges))
    for low in range(1, 102):
        assert count_between(ranges, low, 95) == len([number for number in numbers if low <= number <= 95])
        assert first_from(ranges, low) == min((number for number in numbers if number >= low), default=None)
    assert [number_at(ranges, count) for count in range(1, 24)] == numbers
    assert number_at(ranges, 24) is None


def test_a_stream_without_lines_has_no_numbers() -> None:
    order = StreamOrder()
    assert order.ranges("stdout", 0) == []
    order.record("stderr", 1)
    assert order.ranges("stdout", 0) == []


def test_the_number_of_remembered_changes_is_bounded() -> None:
    order = StreamOrder()
    for number in range(1, 40_001):
        order.record("stdout" if number % 2 else "stderr", number)
    known = list(numbers_backwards(order.ranges("stdout", 39_999)))
    assert known[0] == 39_999
    assert known[-1] in (order.floor, order.floor + 1)
    assert 8000 < 40_000 - order.floor <= 16_384
