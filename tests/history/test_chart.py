import time
from collections.abc import Iterator

import pytest

from pmtui.control import PastEvent, Status, UsageHistory
from pmtui.dashboard.style.glyphs import ASCII, UNICODE, Glyphs
from pmtui.history.chart import chart_height, chart_width, usage_rows

MB = 1 << 20


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def usage(**changes: object) -> UsageHistory:
    fields: dict[str, object] = {
        "since": "2026-11-20T11:00:00Z",
        "step": 900,
        "cpu": [10.0, None, 35.0, 50.0],
        "memory": [100 * MB, None, 20 * MB, 200 * MB],
        "latency": [None] * 4,
        "events": [],
    }
    return UsageHistory(**(fields | changes))  # type: ignore[arg-type]


def ended(to: Status, minute: int, reason: str = "") -> PastEvent:
    time = f"2026-11-20T11:{minute:02}:00Z"
    return PastEvent(
        seq=1, id="a", from_=Status.RUNNING, to=to, reason=reason, time=time, exit_code=1, signal=None, last_words=[]
    )


def drawn(shown: UsageHistory, width: int, height: int, signs: Glyphs = UNICODE) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in usage_rows(shown, width, height, signs)]


def test_charts_have_a_scale_figures_ends_and_times() -> None:
    events = [ended(Status.CRASHED, 20), ended(Status.STARTING, 50)]
    assert drawn(usage(events=events), 49, 8) == [
        "CPU      last 50.0 %   average 31.7 %   peak 50.0 %",
        "    50 %              ┊      ▃▃▃▃▃▃▃▃▃▃██████████",
        "       0 ▃▃▃▃▃▃▃▃▃▃   ┊      ████████████████████",
        "Memory   last 200 MB   average 107 MB   peak 200 MB",
        "  200 MB              ┊                ██████████",
        "       0 ██████████   ┊      ▂▂▂▂▂▂▂▂▂▂██████████",
        "    ends              ↻                   ↺",
        "         11:00       11:18       11:36      12:00",
    ]


def test_latency_is_drawn_if_there_is_any_and_room_for_it() -> None:
    shown = usage(latency=[4.0, None, 2.0, 12.5])
    assert [line.split()[0] for line in drawn(shown, 80, 11) if "average" in line] == ["CPU", "Memory", "Probe"]
    assert "Probe    last 12.5 ms   average 6.17 ms   peak 12.5 ms" in drawn(shown, 80, 11)
    assert [line.split()[0] for line in drawn(shown, 80, 10) if "average" in line] == ["CPU", "Memory"]
    assert len(drawn(shown, 80, chart_height(shown, 5))) == 3 * 6 + 2


@pytest.mark.parametrize(
    ("events", "sign"),
    [
        ([ended(Status.CRASHED, 1), ended(Status.FAILED, 2), ended(Status.STARTING, 3)], "✖"),
        ([ended(Status.STOPPED, 1), ended(Status.CRASHED, 2)], "↻"),
        ([ended(Status.STARTING, 1, "crash: exit 1 after 2h0m0s")], "↻"),
        ([ended(Status.STARTING, 1, "watch: app.py changed")], "↺"),
        ([ended(Status.COMPLETED, 1)], "✓"),
    ],
)
def test_the_worst_end_of_a_run_marks_its_column(events: list[PastEvent], sign: str) -> None:
    assert drawn(usage(events=events), 20, 8)[-2].split() == ["ends", sign]


def test_a_start_is_no_end() -> None:
    start = PastEvent(seq=1, id="a", from_=Status.STOPPED, to=Status.STARTING, reason="", time="2026-11-20T11:20:00Z")
    assert not any("┊" in line for line in drawn(usage(events=[start]), 49, 8))


def test_without_figures_it_says_so() -> None:
    empty: list[float | None] = [None] * 4
    (line,) = drawn(usage(cpu=empty, memory=empty), 80, 20)
    assert line.startswith("Nothing was recorded")


@pytest.mark.parametrize(("step", "first"), [(10, "11:00:00"), (900, "11:00"), (86_400, "20 Nov 11:00")])
def test_times_are_as_fine_as_their_range(step: int, first: str) -> None:
    assert drawn(usage(step=step), 80, 8)[-1].strip().startswith(f"{first}  ")


@pytest.mark.parametrize("height", range(2, 40))
@pytest.mark.parametrize("width", [12, 40, 80, 200])
@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_charts_fit_into_what_there_is(width: int, height: int, signs: Glyphs) -> None:
    count = chart_width(width)
    shown = usage(
        step=10, cpu=[1.0] * count, memory=[MB] * count, latency=[3.0] * count, events=[ended(Status.FAILED, 0)]
    )
    lines = drawn(shown, width, height, signs)
    assert len(lines) <= max(height, 5)
    assert all(len(line) <= width for line in lines if "last" not in line and ":" not in line.lstrip()[2:3])
    if signs is ASCII:
        assert "".join(lines).isascii()
