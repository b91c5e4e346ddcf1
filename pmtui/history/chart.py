"""Draw the usage of a process as rows of text, for `pmtui history` and for the dashboard."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pmtui.control import PastEvent, Status, UsageHistory
from pmtui.text.bars import Row, Span, axis_labels, bar_rows, nice_ceiling, stretched
from pmtui.text.formatting import epoch_seconds, memory, percent

GUTTER = 9
"""Cells left of the bars, for the scale."""
MIN_BAR_ROWS = 2
AXIS_ROWS = 2
DAY = 86_400
SHORT = 600
"""Ranges up to this many seconds are labeled with seconds."""
_SEVERITY = (Status.FAILED, Status.CRASHED, Status.STOPPED, Status.COMPLETED)
_TONES = {Status.FAILED: "bad", Status.CRASHED: "warn", Status.STOPPED: "dim", Status.COMPLETED: "dim"}


class Signs(Protocol):
    """Characters of the charts."""

    @property
    def status(self) -> Mapping[Status, str]: ...

    @property
    def bars(self) -> Sequence[str]: ...

    @property
    def event_line(self) -> str: ...

    @property
    def restart(self) -> str: ...


class Metric(NamedTuple):
    name: str
    values: Sequence[float | None]
    unit: float
    show: Callable[[float], str]


def chart_width(width: int) -> int:
    """Return how many values fit into that many cells."""
    return max(1, width - GUTTER)


def chart_height(usage: UsageHistory, bar_rows: int) -> int:
    """Return the rows needed for all recorded metrics with bars of that height."""
    return len(recorded_metrics(usage)) * (1 + bar_rows) + AXIS_ROWS


def usage_rows(usage: UsageHistory, width: int, height: int, signs: Signs) -> list[Row]:
    """Draw CPU and memory, latency if there is any and room for it, ends of runs, and times."""
    metrics = recorded_metrics(usage)
    if not any(value is not None for metric in metrics for value in metric.values):
        return [[Span("Nothing was recorded in this time: a sample is taken every 10 s while it runs.", "dim")]]
    while len(metrics) > 1 and (height - AXIS_ROWS) // len(metrics) <= MIN_BAR_ROWS:
        metrics = metrics[:-1]
    bar_height = max(MIN_BAR_ROWS, (height - AXIS_ROWS) // len(metrics) - 1)
    columns = min(len(stretched(usage.cpu, chart_width(width))), chart_width(width))
    marks = run_ends(usage, columns, signs)
    rows: list[Row] = []
    for metric in metrics:
        rows += metric_rows(metric, columns, bar_height, signs, marks)
    return [*rows, mark_row(marks, columns), time_row(usage, columns, width)]


def recorded_metrics(usage: UsageHistory) -> list[Metric]:
    metrics = [
        Metric("CPU", usage.cpu, 1.0, lambda value: f"{percent(value)} %"),
        Metric("Memory", usage.memory, float(1 << 20), lambda value: memory(int(value))),
    ]
    if any(value is not None for value in usage.latency):
        metrics.append(Metric("Probe", usage.latency, 1.0, lambda value: f"{value:.3g} ms"))
    return metrics


def metric_rows(metric: Metric, columns: int, height: int, signs: Signs, marks: Mapping[int, Span]) -> list[Row]:
    """Draw a line of values, and below it the bars with their scale."""
    present = [value for value in metric.values if value is not None]
    title = [Span(f"{metric.name:<{GUTTER}}", "bold")]
    if not present:
        return [[*title, Span("nothing recorded", "dim")], *[[] for _ in range(height)]]
    ceiling = nice_ceiling(max(present), metric.unit)
    for word, value in (("last", present[-1]), ("average", sum(present) / len(present)), ("peak", max(present))):
        title += [Span(f"{word} ", "dim"), Span(f"{metric.show(value)}   ", "text")]
    values = stretched(metric.values, columns)[:columns]
    rows = bar_rows(values, height, ceiling, signs.bars, marks, signs.event_line)
    scale = [metric.show(ceiling).replace(".0 ", " "), *[""] * (height - 2), "0"]
    return [title, *([Span(f"{label:>{GUTTER - 1}} ", "dim"), *row] for label, row in zip(scale, rows, strict=True))]


def run_ends(usage: UsageHistory, columns: int, signs: Signs) -> dict[int, Span]:
    """Return the sign of the worst end of a run for each column."""
    span = usage.step * len(usage.cpu)
    since = epoch_seconds(usage.since)
    ends: dict[int, list[PastEvent]] = {}
    for event in usage.events:
        if event.ends_run:
            place = int((epoch_seconds(event.time) - since) / span * columns)
            ends.setdefault(min(max(place, 0), columns - 1), []).append(event)
    return {column: end_sign(events, signs) for column, events in ends.items()}


def end_sign(events: Sequence[PastEvent], signs: Signs) -> Span:
    """Return the sign of the worst status, or that of a restart."""
    found = {Status.CRASHED if event.is_crash and event.to is not Status.FAILED else event.to for event in events}
    worst = next((status for status in _SEVERITY if status in found), None)
    return Span(signs.status[worst], _TONES[worst]) if worst else Span(signs.restart, "accent")


def mark_row(marks: Mapping[int, Span], columns: int) -> Row:
    if not marks:
        return []
    return [Span(f"{'ends':>{GUTTER - 1}} ", "dim"), *(marks.get(place, Span(" ", "dim")) for place in range(columns))]


def time_row(usage: UsageHistory, columns: int, width: int) -> Row:
    """Draw local times below their columns."""
    span, since = usage.step * len(usage.cpu), epoch_seconds(usage.since)
    form = "%d %b %H:%M" if span > DAY else "%H:%M" if span > SHORT else "%H:%M:%S"
    places = range(0, columns, max(12, columns // 4 + 1))
    labels = [(place, datetime.fromtimestamp(since + span * place / columns).strftime(form)) for place in places]
    last = datetime.fromtimestamp(since + span).strftime(form)
    labels.append((columns - len(last), last))
    return [Span(" " * GUTTER + axis_labels(labels, max(columns, len(last))), "dim")]
