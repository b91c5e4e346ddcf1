from itertools import pairwise

import pytest

from pmtui.dashboard.table.layout import layout_columns
from pmtui.dashboard.table.process_table import BESIDE_LOG_COLUMNS

ALWAYS = {"id", "status", "restarts", "cpu", "memory"}


@pytest.mark.parametrize("longest", [3, 12, 64])
def test_the_five_columns_that_matter_are_in_any_width_and_nothing_overlaps(longest: int) -> None:
    for width in range(46, 260):
        placed = layout_columns(width, longest)
        assert {column.column.key for column in placed} >= ALWAYS
        assert all(left.x + left.width < right.x for left, right in pairwise(placed))
        assert placed[-1].x + placed[-1].width <= width


def test_columns_come_with_room() -> None:
    assert [len(layout_columns(width, 12)) for width in (60, 80, 100, 140, 200)] == [5, 7, 9, 11, 11]
    assert "port" not in {column.column.key for column in layout_columns(200, 12, with_ports=False)}


def test_the_reason_has_room_in_the_usual_terminal_too() -> None:
    assert layout_columns(80, 12)[-1].width >= 23


def test_what_is_left_over_goes_to_the_reason() -> None:
    assert layout_columns(200, 12)[-1].width > 60


def test_a_table_beside_the_log_has_what_processes_cost_and_why() -> None:
    for longest in (3, 12, 64):
        placed = layout_columns(74, longest, only=BESIDE_LOG_COLUMNS)
        assert [column.column.key for column in placed] == [*BESIDE_LOG_COLUMNS]
        assert placed[-1].width >= 16
