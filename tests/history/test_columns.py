import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtui.history.columns import MISSING, Columns, Sample
from pmtui.history.records import pack_tick, row_of, unpack_tick

samples = st.builds(
    Sample,
    st.none() | st.floats(0, 25_600),
    st.none() | st.integers(0, 1 << 41),
    st.none() | st.floats(0, 600_000),
)


@given(st.lists(samples, max_size=50))
def test_columns_are_unpacked_as_they_were_packed(rows: list[Sample]) -> None:
    columns = Columns.of(rows)
    assert Columns.unpack(columns.pack()) == columns
    for place, row in enumerate(rows):
        for column, figure in zip(columns, row, strict=True):
            assert (column[place] == MISSING) == (figure is None)


@given(st.dictionaries(st.integers(1, 1 << 31), samples, max_size=50))
def test_a_tick_has_the_row_of_each_process(samples: dict[int, Sample]) -> None:
    data = pack_tick(samples)
    numbers, columns = unpack_tick(data)
    assert [*numbers] == [*samples]
    for place, number in enumerate(numbers):
        assert row_of(data, number) == tuple(column[place] for column in columns)
    with pytest.raises(ValueError, match="not in"):
        row_of(data, 0)


@pytest.mark.parametrize("data", [b"", b"garbage", Columns.blank(3).pack()[:-1], pack_tick({1: Sample()})])
def test_what_was_never_packed_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (zlib says what is wrong in words of its own)
        Columns.unpack(data)


def test_several_figures_become_the_average_and_of_memory_the_peak() -> None:
    rows = [Sample(10.0, 100 << 10, 5.0), Sample(30.0, 300 << 10, None), Sample(None, 200 << 10, 6.0)]
    assert Columns.of([*rows, Sample(), Sample(), Sample()]).reduced(3) == Columns.of(
        [Sample(20.0, 300 << 10, 5.5), Sample()]
    )


def test_a_figure_too_large_for_a_column_is_the_largest_one() -> None:
    assert [*Columns.of([Sample(1e12)]).cpu] == [MISSING - 1]
