"""Times are UTC, colours are on and messages stay, wherever the tests run and however slowly."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("NO_COLOR", "PMTUI_ASCII", "PMTUI_THEME", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("textual.notifications.time", lambda: 0.0)  # none is over before it is looked at
    yield
    monkeypatch.undo()
    time.tzset()
