import sys
from collections import deque

from pmtui.supervisor.recent import Recent


def test_it_keeps_the_newest() -> None:
    items, model = Recent[int](3), deque[int](maxlen=3)
    for number in range(5):
        items.append(number)
        model.append(number)
        assert [*items] == [*model]
    items.extend([7, 8])
    assert items == [4, 7, 8]
    items.extend([])
    assert items == [4, 7, 8]


def test_an_empty_one_takes_next_to_nothing() -> None:
    assert sys.getsizeof(Recent[int](100)) < sys.getsizeof(deque[int](maxlen=100)) / 5
