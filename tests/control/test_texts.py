"""What people are told about a job."""

import time
from collections.abc import Iterator

import pytest

from pmtui.control import JobRun, Status, explain
from pmtui.text.formatting import epoch_seconds
from tests.fake_control import NOON, job_run, snapshot

NOW = epoch_seconds(NOON)


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    """Let local time be UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("next_start", "last", "reason", "text"),
    [
        ("2026-11-20T15:12:00Z", None, "", "next 15:12 (in 3h12m)"),
        ("2026-11-20T15:12:00Z", job_run(), "", "next 15:12 (in 3h12m) · last ok 00:04:11"),
        ("2026-11-23T02:00:00Z", job_run(), "", "next Mon 02:00 (in 2d14h) · last ok 00:04:11"),
        ("2027-01-01T00:00:00Z", job_run(), "", "next 01 Jan 00:00 (in 41d12h) · last ok 00:04:11"),
        (None, job_run(), "", "last ok 00:04:11"),
        (
            "2026-11-20T12:00:10Z",
            job_run(reason="deadline", duration=3600),
            "took longer",
            "next 12:00 (in 10s) · last ended at its deadline after 01:00:00",
        ),
        (
            "2026-11-20T12:00:10Z",
            job_run(reason="no disk (exit 3)", duration=1),
            "no disk (exit 3)",
            "next 12:00 (in 10s) · last failed 00:00:01: no disk (exit 3)",
        ),
        ("2026-11-20T12:00:10Z", None, "db has failed", "next 12:00 (in 10s) · db has failed"),
    ],
)
def test_why_a_job_waits(next_start: str | None, last: JobRun | None, reason: str, text: str) -> None:
    row = snapshot("a", Status.SCHEDULED, next_start=next_start, last_run=last, reason=reason, schedule="@daily")
    assert explain(row, NOW) == text


def test_how_the_run_before_ended_is_not_why_a_user_started_this_one() -> None:
    assert explain(snapshot("a", reason="user: exit 0 after 3.0 s")) == "restarted by user"
    assert explain(snapshot("a", reason="user")) == "restarted by user"
    assert explain(snapshot("a", reason="crash: exit 1 after 3.0 s")) == "crash: exit 1 after 3.0 s"
