"""Values of one process as columns of fixed-point numbers, which compress well and are sliced without a loop."""

import zlib
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

STEP = 10
"""Seconds between two samples."""
MINUTE = 60
HOUR = 3600
MISSING = 0xFFFF_FFFF
"""Marks a missing value; items of `array("I")` have four bytes wherever Python runs on Linux."""
_NOTHING = array("I", [MISSING])


class Sample(NamedTuple):
    """One process at one moment: percent of a core, bytes, milliseconds."""

    cpu: float | None = None
    memory: int | None = None
    latency: float | None = None


class Metric(NamedTuple):
    """`scale` turns a value into a 32-bit integer; several values are reduced to their average or their peak."""

    scale: float
    is_average: bool

    def total(self, figures: Iterable[int]) -> int:
        return sum(figures) if self.is_average else max(figures)


METRICS = (Metric(100, is_average=True), Metric(1 / 1024, is_average=False), Metric(100, is_average=True))
"""CPU, memory, latency. For memory the peak counts: an average would hide what killed a process."""


class Columns(NamedTuple):
    """Values at equal distances, one column per metric."""

    cpu: "array[int]"
    memory: "array[int]"
    latency: "array[int]"

    @classmethod
    def blank(cls, length: int) -> "Columns":
        return cls(*(_NOTHING * length for _ in METRICS))

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "Columns":
        rows = list(samples)
        return cls(*(array("I", (encode(row[place], metric) for row in rows)) for place, metric in enumerate(METRICS)))

    @classmethod
    def unpack(cls, data: bytes) -> "Columns":
        """Raises ValueError if the data is damaged."""
        return cls(*unpack(data, len(METRICS)))

    def pack(self) -> bytes:
        return pack(self)

    def put(self, place: int, row: Iterable[int]) -> None:
        for column, figure in zip(self, row, strict=True):
            column[place] = figure

    def reduced(self, factor: int) -> "Columns":
        """Reduce every `factor` rows to one."""
        if factor == 1:
            return self
        columns = (
            array("I", (reduce(column[at : at + factor], metric) for at in range(0, len(column), factor)))
            for column, metric in zip(self, METRICS, strict=True)
        )
        return Columns(*columns)


def pack(columns: "Iterable[array[int]]") -> bytes:
    return zlib.compress(b"".join(column.tobytes() for column in columns), 1)


def unpack(data: bytes, count: int) -> "list[array[int]]":
    """Return `count` columns of equal length. Raises ValueError if the data is damaged."""
    figures, length = inflate(data, count)
    return [figures[place * length : (place + 1) * length] for place in range(count)]


def inflate(data: bytes, count: int) -> "tuple[array[int], int]":
    """Return the columns in one array, and the length of each. Raises ValueError if the data is damaged."""
    try:
        figures = array("I", zlib.decompress(data))
    except zlib.error as error:
        raise ValueError(str(error)) from None
    length, rest = divmod(len(figures), count)
    if rest:
        raise ValueError("columns differ in length")
    return figures, length


def encode(figure: float | None, metric: Metric) -> int:
    return MISSING if figure is None else min(max(round(figure * metric.scale), 0), MISSING - 1)


def reduce(figures: Sequence[int], metric: Metric) -> int:
    """Reduce several values to one."""
    present = [figure for figure in figures if figure != MISSING]
    if not present:
        return MISSING
    total = metric.total(present)
    return round(total / len(present)) if metric.is_average else total
