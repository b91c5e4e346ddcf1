"""Bar charts as rows of spans, each with a tone that the front turns into a color."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import NamedTuple

NICE = (1.0, 2.0, 5.0, 10.0)


class Span(NamedTuple):
    text: str
    tone: str


Row = list[Span]


def bar_rows(
    values: Sequence[float | None], height: int, ceiling: float, bars: Sequence[str], marked: Collection[int], mark: str
) -> list[Row]:
    """Draw one column per value, top row first, and a line of `mark` above the bars of `marked` columns.

    A value of 0 is visible, unlike None.
    """
    steps = len(bars)
    levels = [
        0 if value is None else max(1, min(height * steps, round(value / ceiling * height * steps))) for value in values
    ]
    rows = []
    for below in range((height - 1) * steps, -1, -steps):
        cells = [
            Span(bars[min(level - below, steps) - 1], "accent")
            if level > below
            else Span(mark, "dim")
            if place in marked
            else Span(" ", "dim")
            for place, level in enumerate(levels)
        ]
        rows.append(joined(cells))
    return rows


def joined(cells: Sequence[Span]) -> Row:
    """Join neighbors of the same tone."""
    return [
        Span("".join(cell.text for cell in same), tone) for tone, same in groupby(cells, key=lambda cell: cell.tone)
    ]


def nice_ceiling(peak: float, unit: float = 1.0) -> float:
    """Return the least of 1, 2, 5, 10, 20, … units that is not below the peak."""
    size = unit
    while True:
        for factor in NICE:
            if peak <= size * factor:
                return size * factor
        size *= 10


def stretched(values: Sequence[float | None], width: int) -> list[float | None]:
    """Repeat values so that they fill the width; more values than that stay as they are."""
    count = max(width, len(values)) if values else 0
    return [values[place * len(values) // count] for place in range(count)]


def axis_labels(labels: Sequence[tuple[int, str]], width: int) -> str:
    """Place texts at their columns; omit those that would touch the previous one or cross the edge."""
    line = ""
    for column, text in labels:
        if (column > len(line) or not line) and column + len(text) <= width:
            line = line.ljust(column) + text
    return line
