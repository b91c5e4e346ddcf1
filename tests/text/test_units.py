import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtui.text.units import format_duration, parse_duration, parse_size

JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@pytest.mark.parametrize(
    ("written", "seconds"), [("500ms", 0.5), ("1s", 1.0), ("1m30s", 90.0), ("1.5h", 5400.0), (2, 2.0), (0.25, 0.25)]
)
def test_a_duration_is_parsed_into_seconds(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize("written", ["", "5", "1x", "s", "-1s", "1s 2", "9" * 400 + "s", -1, True, None, [], 10**400])
def test_an_invalid_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(written)


@pytest.mark.parametrize("written", [float("nan"), float("inf"), float("-inf")])
def test_a_duration_without_an_end_is_refused(written: float) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.9, "0s"), (12, "12s"), (60, "1m0s"), (3600, "1h0m0s"), (9015.7, "2h30m15s"), (360000, "100h0m0s")],
)
def test_a_duration_is_formatted_as_in_go(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("written", "size"),
    [("10MB", 10 << 20), ("512M", 512 << 20), ("1G", 1 << 30), ("64GB", 64 << 30), ("1.5k", 1536), ("7", 7), (9, 9)],
)
def test_a_size_is_parsed_into_bytes(written: object, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["", "MB", "1XB", "-1", "9" * 400, -1, 1.5, True, None, {}, 10**400])
def test_an_invalid_size_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(written)


@pytest.mark.parametrize("parse", [parse_duration, parse_size])
@given(junk=JUNK)
def test_junk_raises_nothing_but_value_error(parse: Callable[[object], float], junk: object) -> None:
    with contextlib.suppress(ValueError):
        assert 0 <= parse(junk) < float("inf")
