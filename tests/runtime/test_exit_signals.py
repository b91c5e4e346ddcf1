"""Which signals count as a request to end."""

from collections.abc import Sequence

import pytest

from pmtui.runtime.exit_signals import ExitSignals


@pytest.mark.parametrize(
    ("times", "counted"),
    [
        ([0.0, 0.001], [True, False]),
        ([0.0, 0.499, 0.501], [True, False, True]),
        ([0.0, 0.3, 0.6, 0.9], [True, False, True, False]),
        ([5.0, 9.0], [True, True]),
    ],
)
def test_signals_within_half_a_second_are_one(times: Sequence[float], counted: Sequence[bool]) -> None:
    clock = iter(times)
    signals = ExitSignals(lambda: next(clock))
    assert [signals.counts() for _ in times] == counted
