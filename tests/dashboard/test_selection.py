from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pmtui.dashboard.log_view.selection import CellPosition, TextSelection, highlight


def test_a_selection_may_be_drawn_either_way() -> None:
    forwards = TextSelection(CellPosition(1, 2), CellPosition(3, 4))
    backwards = TextSelection(CellPosition(3, 4), CellPosition(1, 2))
    for chosen in (forwards, backwards):
        assert [chosen.cut(place, "0123456789") for place in range(5)] == ["", "23456789", "0123456789", "01234", ""]


def test_wide_characters_are_cut_whole() -> None:
    assert TextSelection(CellPosition(1, 2), CellPosition(1, 5)).cut(1, "日本語日") == "本語"


def test_a_style_is_laid_over_cells() -> None:
    strip = highlight(Strip([Segment("abcdef")]), 2, 4, Style(bold=True))
    assert [(segment.text, bool(segment.style and segment.style.bold)) for segment in strip] == [
        ("ab", False),
        ("cd", True),
        ("ef", False),
    ]
