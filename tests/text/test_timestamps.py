import pytest

from pmtui.text.timestamps import parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("5min", 300), ("5 minutes ago", 300), ("1.5 hours", 5400), ("2 Days", 172_800), ("90 sec ago", 90)],
)
def test_a_duration_before_now_is_written_in_units_or_words(text: str, seconds: int) -> None:
    assert parse_time(text, now=1_000_000_000) == 1_000_000_000 - seconds * 1000


@pytest.mark.parametrize("text", ["yesterday", "5 parsecs", "ago", "", f"{'1' * (1 << 20)}x"])
def test_other_words_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='or a duration such as "5m"'):
        parse_time(text)
