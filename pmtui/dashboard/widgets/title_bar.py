"""The first line: what is managed, how it is, what it costs, where it can be reached."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pmtui.control import Status
from pmtui.dashboard import formats
from pmtui.dashboard.facts import Facts
from pmtui.dashboard.glyphs import progress, sparkline
from pmtui.dashboard.look import STATUS_TONE
from pmtui.dashboard.widgets.bar import Bar, Piece, justified, width_of

ORDER = (
    Status.RUNNING,
    Status.STARTING,
    Status.WAITING,
    Status.STOPPING,
    Status.CRASHED,
    Status.FAILED,
    Status.COMPLETED,
    Status.STOPPED,
)
MANY = 5
"""So many processes on their way up are shown as a bar of progress, too."""


class TitleBar(Bar):
    """Counts by status at all widths; memory, CPU, address, uptime and config as far as there is room."""

    DEFAULT_CSS = """
    TitleBar { background: $panel; }
    """
    facts = Facts()

    def show(self, facts: Facts) -> None:
        self.facts = facts
        self.update_pieces()

    def pieces(self, width: int) -> Sequence[Piece]:
        look = self.look
        gap = Piece("   ", look["text"])
        left = [Piece(" pmtui", look["accent"] + look["bold"].without_color), *self._counts()]
        optional = [self._memory(), self._cpu(spark=True), self._address(), self._uptime()]
        if width < 110:
            optional = [self._memory(), self._cpu(spark=False), self._uptime()]
        right: list[Piece] = []
        for pieces in optional:
            if pieces and width_of([*left, *right, *pieces, gap]) < width - 1:
                right = [*right, *([gap] if right else []), *pieces]
        room = width - width_of([*left, *right]) - 6
        if config := self._config(room):
            left[1:1] = [Piece(f"  {config}", look["dim"])]
        return justified(left, [*right, Piece(" ", look["text"])], width, Piece(" ", look["text"]))

    def _counts(self) -> list[Piece]:
        look, glyphs = self.look, self.glyphs
        if self.facts.gone:
            return [Piece(f"   {glyphs.bad} {self.facts.gone}", look["bad"])]
        counted = Counter(row.status for row in self.facts.snapshots)
        pieces = [
            Piece(f"   {glyphs.status[status]} {counted[status]} {status}", look[STATUS_TONE[status]], f"is:{status}")
            for status in ORDER
            if counted[status]
        ]
        coming = counted[Status.STARTING] + counted[Status.WAITING]
        if coming >= MANY:
            total = len(self.facts.snapshots)
            pieces.append(Piece("   " + progress(total - coming, total, 12, glyphs), look["accent"]))
        return pieces

    def _memory(self) -> list[Piece]:
        return self._quantity("mem", formats.memory(self.facts.memory))

    def _cpu(self, *, spark: bool) -> list[Piece]:
        cpu = self.facts.cpu[-1] if self.facts.cpu else 0.0
        pieces = self._quantity("cpu", f"{cpu:.0f}%".rjust(4))
        if spark:
            bars = sparkline(self.facts.cpu, 10, 50.0, self.glyphs)
            pieces.append(Piece(f" {bars}", self.look["accent"]))
        return pieces

    def _address(self) -> list[Piece]:
        url = self.facts.about.url if self.facts.about else None
        return [Piece(url.removeprefix("http://"), self.look["dim"])] if url else []

    def _uptime(self) -> list[Piece]:
        about = self.facts.about
        if about is None or not about.start_time:
            return []
        return self._quantity("up", formats.duration(self.facts.now - formats.seconds_of(about.start_time)))

    def _quantity(self, name: str, value: str) -> list[Piece]:
        return [Piece(f"{name} ", self.look["dim"]), Piece(value, self.look["text"])]

    def _config(self, room: int) -> str:
        about = self.facts.about
        if about is None or about.config is None:
            return ""
        parts = Path(about.config).parts
        for name in ("/".join(parts[-2:]), parts[-1]):
            if len(name) <= room:
                return name
        return ""
