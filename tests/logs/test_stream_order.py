import random

from pmtui.logs.files.stream_order import StreamOrder
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
            assert list(order.numbers_backwards(stream, last)) == [
                number for number in reversed(numbers) if number <= last
            ]


def test_a_stream_without_lines_has_no_numbers() -> None:
    order = StreamOrder()
    assert list(order.numbers_backwards("stdout", 0)) == []
    order.record("stderr", 1)
    assert list(order.numbers_backwards("stdout", 0)) == []


def test_the_number_of_remembered_changes_is_bounded() -> None:
    order = StreamOrder()
    for number in range(1, 40_001):
        order.record("stdout" if number % 2 else "stderr", number)
    known = list(order.numbers_backwards("stdout", 39_999))
    assert known[0] == 39_999
    assert known[-1] in (order.floor, order.floor + 1)
    assert 8000 < 40_000 - order.floor <= 16_384
