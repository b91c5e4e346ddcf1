import pytest

from pmtui.dashboard.style import formats


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (312, "5m12s"),
        (9000, "2h30m"),
        (7200, "2h"),
        (270_000, "3d3h"),
        (-1, "0s"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, written: str) -> None:
    assert formats.duration(seconds) == written


@pytest.mark.parametrize(("seconds", "written"), [(3.2, "4s"), (0.01, "1s"), (-2, "1s"), (61, "1m1s")])
def test_a_countdown_never_shows_zero(seconds: float, written: str) -> None:
    assert formats.countdown(seconds) == written


@pytest.mark.parametrize(
    ("size", "written"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1 << 20, "1 MB"),
        (150 << 20, "150 MB"),
        (1300 << 20, "1.3 GB"),
        (200 << 30, "200 GB"),
    ],
)
def test_memory_has_three_digits_at_most(size: int, written: str) -> None:
    assert formats.memory(size) == written


def test_a_text_is_shortened_by_cells_and_whole_characters() -> None:
    assert formats.shorten("abcdef", 6) == "abcdef"
    assert formats.shorten("abcdefg", 6) == "abcde…"
    assert formats.shorten("日本語日本語", 6) == "日本…"
    assert formats.shorten("abc", 0) == ""
