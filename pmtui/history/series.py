"""Downsample the values of a range of time."""

from collections.abc import Sequence
from typing import NamedTuple

from pmtui.history.columns import METRICS, MISSING, STEP, Columns


class Series(NamedTuple):
    """One value for every `step` seconds from the start of the range; None for those without one."""

    step: int
    cpu: Sequence[float | None]
    memory: Sequence[int | None]
    latency: Sequence[float | None]


class Buckets:
    """Sorts values that are `resolution` seconds apart into at most `points` buckets, none shorter than that."""

    def __init__(self, since_ms: int, until_ms: int, points: int, resolution: int = STEP) -> None:
        span = until_ms - since_ms
        self.resolution = resolution
        self.step = max(resolution, -(-span // (points * 1000)))
        self._since, self._width = since_ms, self.step * 1000
        self._count = -(-span // self._width)
        self._totals = [[0] * self._count for _ in METRICS]
        self._counts = [[0] * self._count for _ in METRICS]

    def add(self, start: int, columns: Columns) -> None:
        """Add consecutive values; `start` is the time of the first, in seconds since 1970."""
        distance, offset = self.resolution * 1000, start * 1000 - self._since
        first = max(0, -(offset // distance))
        buckets = [(offset + place * distance) // self._width for place in range(first, len(columns.cpu))]
        while buckets and buckets[-1] >= self._count:
            buckets.pop()
        for totals, counts, column, metric in zip(self._totals, self._counts, columns, METRICS, strict=True):
            for bucket, figure in zip(buckets, column[first : first + len(buckets)], strict=True):
                if figure != MISSING:
                    counts[bucket] += 1
                    totals[bucket] = totals[bucket] + figure if metric.is_average else max(totals[bucket], figure)

    def series(self) -> Series:
        cpu, memory, latency = (
            [
                round(total / metric.scale / (count if metric.is_average else 1), 2) if count else None
                for total, count in zip(totals, counts, strict=True)
            ]
            for totals, counts, metric in zip(self._totals, self._counts, METRICS, strict=True)
        )
        return Series(self.step, cpu, [None if size is None else int(size) for size in memory], latency)
