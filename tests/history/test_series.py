from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtui.history.columns import Columns, Sample
from pmtui.history.series import Buckets


def filled(since: int, until: int, points: int, rows: list[Sample], start: int = 0) -> Buckets:
    buckets = Buckets(since * 1000, until * 1000, points)
    buckets.add(start, Columns.of(rows))
    return buckets


def test_there_is_one_figure_for_each_step() -> None:
    series = filled(0, 40, 2, [Sample(10.0, 4096, 1.0), Sample(20.0, 8192, 2.0), Sample(7.0, 4096), Sample()]).series()
    assert series == (20, [15.0, 7.0], [8192, 4096], [1.5, None])


def test_no_step_is_shorter_than_what_was_sampled() -> None:
    series = filled(0, 30, 10_000, [Sample(1.0), Sample(2.0), Sample(3.0)]).series()
    assert (series.step, series.cpu) == (10, [1.0, 2.0, 3.0])


def test_figures_outside_the_range_do_not_count() -> None:
    series = filled(15, 35, 10, [Sample(float(number)) for number in range(6)]).series()
    assert (series.step, series.cpu) == (10, [2.0, 3.0])
    assert filled(500, 600, 10, [Sample(1.0)]).series().cpu == [None] * 10
    assert filled(0, 10, 10, [Sample(1.0)], start=500).series().cpu == [None]


def test_blocks_add_up() -> None:
    buckets = Buckets(0, 40_000, 1)
    buckets.add(0, Columns.of([Sample(1.0, 4096), Sample(2.0, 8192)]))
    buckets.add(20, Columns.of([Sample(6.0, 4096)]))
    assert buckets.series() == (40, [3.0], [8192], [None])


@pytest.mark.parametrize("points", [1, 7, 300, 10_000])
@given(since=st.integers(0, 10**13), span=st.integers(1, 10**10))
def test_the_whole_range_is_covered_by_no_more_points_than_asked_for(points: int, since: int, span: int) -> None:
    series = Buckets(since, since + span, points).series()
    assert len(series.cpu) == len(series.memory) == len(series.latency) <= points
    assert len(series.cpu) * series.step * 1000 >= span > (len(series.cpu) - 1) * series.step * 1000


@given(since=st.integers(0, 4000), span=st.integers(10, 4000), points=st.integers(1, 500))
def test_each_sample_is_in_one_bucket(since: int, span: int, points: int) -> None:
    buckets = filled(since, since + span, points, [Sample(1.0)] * 400)
    series = buckets.series()
    edges = [since + place * series.step for place in range(len(series.cpu) + 1)]
    inside = [sum(1 for moment in range(0, 4000, 10) if start <= moment < end) for start, end in pairwise(edges)]
    assert [figure is not None for figure in series.cpu] == [count > 0 for count in inside]
