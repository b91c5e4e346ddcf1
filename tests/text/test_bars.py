import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtui.text.bars import axis_labels, bar_rows, nice_ceiling, stretched

BARS = "▁▂▃▄▅▆▇█"


def drawn(values: list[float | None], height: int, ceiling: float, marked: frozenset[int] = frozenset()) -> list[str]:
    return ["".join(span.text for span in row) for row in bar_rows(values, height, ceiling, BARS, marked, "┊")]


def test_bars_are_as_high_as_their_values() -> None:
    assert drawn([0, 1, 4, 8, 12, 16], 2, 16) == ["   " + " ▄█", "▁▁▄" + "███"]


def test_nothing_differs_from_zero() -> None:
    assert drawn([None, 0.0], 1, 10) == [" ▁"]


def test_marked_columns_have_a_line_above_their_bars() -> None:
    assert drawn([8, None, 16], 2, 16, frozenset({0, 1, 2})) == ["┊┊█", "█┊█"]


def test_bars_and_lines_differ_in_tone() -> None:
    (row,) = bar_rows([1, None, None, 1], 1, 1, BARS, {1}, "┊")
    assert [(span.text, span.tone) for span in row] == [("█", "accent"), ("┊ ", "dim"), ("█", "accent")]


@given(st.lists(st.none() | st.floats(0, 1000), min_size=1, max_size=80), st.integers(1, 12))
def test_every_row_has_a_cell_for_each_value(values: list[float | None], height: int) -> None:
    rows = drawn(values, height, nice_ceiling(max([value for value in values if value is not None], default=0)))
    assert len(rows) == height
    for column, value in enumerate(values):
        cells = "".join(row[column] for row in rows).rstrip("█")
        assert (value is None) == all(row[column] == " " for row in rows)
        assert set(cells.strip()) <= set(BARS)
        assert len(cells.strip()) <= 1


@pytest.mark.parametrize(
    ("peak", "ceiling"), [(0, 1), (1, 1), (1.1, 2), (3, 5), (5.1, 10), (10, 10), (11, 20), (101, 200), (999, 1000)]
)
def test_the_scale_ends_at_a_round_figure(peak: float, ceiling: float) -> None:
    assert nice_ceiling(peak) == ceiling
    assert nice_ceiling(peak * 1024, 1024) == ceiling * 1024


def test_few_values_fill_the_width() -> None:
    assert stretched([1, None, 3], 11) == [1, 1, 1, 1, None, None, None, None, 3, 3, 3]
    assert stretched([1, 2], 1) == [1, 2]
    assert stretched([], 5) == []


def test_labels_that_would_touch_are_left_out() -> None:
    labels = [(0, "10:00"), (4, "10:10"), (10, "10:20"), (17, "10:30")]
    assert axis_labels(labels, 20) == "10:00     10:20"
    assert axis_labels(labels, 22) == "10:00     10:20  10:30"
