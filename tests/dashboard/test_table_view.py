from pmtui.control import Status
from pmtui.dashboard.table.columns import SORTABLE
from pmtui.dashboard.table.view import TableView
from tests.fake_control import snapshot

ROWS = [snapshot("b", cpu=1.0), snapshot("a", cpu=9.0), snapshot("c", Status.FAILED)]


def ids(arrangement: TableView) -> str:
    return "".join(row.id for row in arrangement.rows(ROWS))


def test_without_a_sort_the_order_is_that_of_the_config() -> None:
    assert ids(TableView()) == "bac"
    assert ids(TableView(inverted=True)) == "cab"


def test_numbers_fall_and_words_rise_until_inverted() -> None:
    assert ids(TableView(sort="cpu")) == "abc"
    assert ids(TableView(sort="id")) == "abc"
    assert ids(TableView(sort="id", inverted=True)) == "cba"


def test_what_has_no_reason_comes_last() -> None:
    told = [snapshot("a"), snapshot("b", reason="exit 1"), snapshot("c", reason="crash")]
    assert [row.id for row in TableView(sort="why").rows(told)] == ["c", "b", "a"]


def test_problems_only() -> None:
    assert ids(TableView(problems_only=True)) == "c"


def test_three_clicks_on_a_title_end_where_they_began() -> None:
    first = TableView().sorted_by("cpu")
    assert first.sorted_by("cpu").sorted_by("cpu") == TableView()


def test_stepping_goes_through_every_column_and_back_to_none() -> None:
    arrangement = TableView()
    for _ in range(len(SORTABLE) + 1):
        arrangement = arrangement.sorted_by_neighbor(1)
    assert arrangement == TableView()
    assert arrangement.sorted_by_neighbor(-1).sort == SORTABLE[-1]


def test_columns_without_room_are_skipped() -> None:
    shown = ["id", "status", "why"]
    assert TableView(sort="id").sorted_by_neighbor(1, shown).sort == "status"
    assert TableView(sort="id").sorted_by_neighbor(-1, shown).sort is None
    assert TableView(sort="pid").sorted_by_neighbor(1, shown).sort == "status"
