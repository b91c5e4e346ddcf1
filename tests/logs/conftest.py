"""What gives up on a disk, a reader or a search after some seconds waits as long as the tests do, unless a test sets a
time of its own: a busy machine is not a stalled disk."""

import pytest

from tests.eventually import DEADLINE

TIMEOUTS = (
    "console._BUSY_TIMEOUT",
    "console._FLUSH_TIMEOUT",
    "files.writer._FLUSH_TIMEOUT",
    "files.writer.STALL_TIMEOUT",
    "process_log._DISK_TIMEOUT",
    "search.follow._SEARCH_TIMEOUT",
    "search.query.SEARCH_TIMEOUT",
)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TIMEOUTS:
        monkeypatch.setattr(f"pmtui.logs.{name}", DEADLINE)
