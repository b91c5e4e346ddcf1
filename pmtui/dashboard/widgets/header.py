"""The first line: what is managed, how it is, what it costs, where it can be reached."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from pmtui.control import Status
from pmtui.dashboard.backend.state import Facts
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.glyphs import progress, sparkline
from pmtui.dashboard.style.styles import STATUS_TONE
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
QUIET = (Status.WAITING, Status.STOPPING, Status.COMPLETED, Status.STOPPED)
"""Their words go first when it gets narrow."""
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
        name = Piece(" pmtui", look["accent"] + look["bold"].without_color)
        memory, cpu, uptime = self._memory(), self._cpu(), self._uptime()
        left = [name, *self._errors(), *self._counts(())]
        for wordless, beside in ((QUIET, [*memory, *cpu]), ((*QUIET, Status.STARTING), [*memory, *cpu]), (ORDER, [])):
            if width_of([*left, *beside, gap]) > width:
                left = [name, *self._errors(), *self._counts(wordless)]
        right: list[Piece] = []
        for pieces in (memory, cpu, self._spark(), self._address(), uptime):
            if pieces and width_of([*left, *right, *pieces, gap, gap]) < width:
                right += [*([gap] if right and pieces[0].text.strip() else []), *pieces]
        if config := self._config(width - width_of([*left, *right]) - 6):
            left[1:1] = [Piece(f"  {config}", look["dim"])]
        return justified(left, [*right, Piece(" ", look["text"])], width, Piece(" ", look["text"]))

    def _errors(self) -> list[Piece]:
        errors = self.facts.about.errors if self.facts.about else []
        said = formats.plural(len(errors), "config error", "config errors")
        return [Piece(f"   {self.glyphs.bad} {said}", self.look["bad"], "reload")] if errors else []

    def _counts(self, wordless: Collection[Status]) -> list[Piece]:
        look, glyphs = self.look, self.glyphs
        if self.facts.gone:
            return [Piece(f"   {glyphs.bad} {self.facts.gone}", look["bad"])]
        counted = Counter(row.status for row in self.facts.snapshots)
        pieces = []
        for status in ORDER:
            if counted[status]:
                word = "" if status in wordless else f" {status}"
                text = f"   {glyphs.status[status]} {counted[status]}{word}"
                pieces.append(Piece(text, look[STATUS_TONE[status]], f"is:{status}"))
        coming = counted[Status.STARTING] + counted[Status.WAITING]
        if coming >= MANY:
            total = len(self.facts.snapshots)
            pieces.append(Piece("   " + progress(total - coming, total, 12, glyphs), look["accent"]))
        return pieces

    def _memory(self) -> list[Piece]:
        return self._quantity("mem", formats.memory(self.facts.memory))

    def _cpu(self) -> list[Piece]:
        cpu = self.facts.cpu[-1] if self.facts.cpu else 0.0
        return self._quantity("cpu", f"{cpu:.0f}%".rjust(4))

    def _spark(self) -> list[Piece]:
        bars = sparkline(self.facts.cpu, 10, 50.0, self.glyphs)
        return [Piece(" ", self.look["accent"]), Piece(bars, self.look["accent"])]

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
