import pytest

from tests.faults.kill_matrix import ROWS, once


@pytest.mark.parametrize("row", ROWS)
def test_nobody_is_left(row: str) -> None:
    left, _ = once(row)
    assert left == []
