"""The first line: what is managed, how it is, what it costs, where it can be reached."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from pmtui.control import Status
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.glyphs import STATUS_TONES, progress, sparkline
from pmtui.dashboard.widgets.bar import Bar, Piece, justify, total_width

STATUS_ORDER = (
    Status.RUNNING,
    Status.STARTING,
    Status.WAITING,
    Status.STOPPING,
    Status.CRASHED,
    Status.FAILED,
    Status.COMPLETED,
    Status.STOPPED,
)
WORDLESS_STATES = (Status.WAITING, Status.STOPPING, Status.COMPLETED, Status.STOPPED)
"""Their words go first when it gets narrow."""
MIN_PROGRESS_COUNT = 5
"""So many processes on their way up are shown as a bar of progress, too."""


class TitleBar(Bar):
    """Counts by status at all widths; memory, CPU, address, uptime and config as far as there is room."""

    DEFAULT_CSS = """
    TitleBar { background: $panel; }
    """
    dashboard_state = DashboardState()

    def show(self, facts: DashboardState) -> None:
        self.dashboard_state = facts
        self.update_pieces()

    def pieces(self, width: int) -> Sequence[Piece]:
        look = self.text_styles
        gap = Piece("   ", look["text"])
        name = Piece(" pmtui", look["accent"] + look["bold"].without_color)
        memory, cpu, uptime = self._memory(), self._cpu(), self._uptime()
        left = [name, *self._errors(), *self._counts(())]
        for wordless, beside in (
            (WORDLESS_STATES, [*memory, *cpu]),
            ((*WORDLESS_STATES, Status.STARTING), [*memory, *cpu]),
            (STATUS_ORDER, []),
        ):
            if total_width([*left, *beside, gap]) > width:
                left = [name, *self._errors(), *self._counts(wordless)]
        right: list[Piece] = []
        for pieces in (memory, cpu, self._spark(), self._address(), uptime):
            if pieces and total_width([*left, *right, *pieces, gap, gap]) < width:
                right += [*([gap] if right and pieces[0].text.strip() else []), *pieces]
        if config := self._config(width - total_width([*left, *right]) - 6):
            left[1:1] = [Piece(f"  {config}", look["dim"])]
        return justify(left, [*right, Piece(" ", look["text"])], width, Piece(" ", look["text"]))

    def _errors(self) -> list[Piece]:
        errors = self.dashboard_state.about.errors if self.dashboard_state.about else []
        said = formats.plural(len(errors), "config error", "config errors")
        return [Piece(f"   {self.glyphs.bad} {said}", self.text_styles["bad"], "reload")] if errors else []

    def _counts(self, wordless: Collection[Status]) -> list[Piece]:
        look, glyphs = self.text_styles, self.glyphs
        if self.dashboard_state.connection_error:
            return [Piece(f"   {glyphs.bad} {self.dashboard_state.connection_error}", look["bad"])]
        counted = Counter(row.status for row in self.dashboard_state.snapshots)
        pieces = []
        for status in STATUS_ORDER:
            if counted[status]:
                word = "" if status in wordless else f" {status}"
                text = f"   {glyphs.status[status]} {counted[status]}{word}"
                pieces.append(Piece(text, look[STATUS_TONES[status]], f"is:{status}"))
        coming = counted[Status.STARTING] + counted[Status.WAITING]
        if coming >= MIN_PROGRESS_COUNT:
            total = len(self.dashboard_state.snapshots)
            pieces.append(Piece("   " + progress(total - coming, total, 12, glyphs), look["accent"]))
        return pieces

    def _memory(self) -> list[Piece]:
        return self._quantity("mem", formats.memory(self.dashboard_state.memory))

    def _cpu(self) -> list[Piece]:
        cpu = self.dashboard_state.cpu[-1] if self.dashboard_state.cpu else 0.0
        return self._quantity("cpu", f"{cpu:.0f}%".rjust(4))

    def _spark(self) -> list[Piece]:
        bars = sparkline(self.dashboard_state.cpu, 10, 50.0, self.glyphs)
        return [Piece(" ", self.text_styles["accent"]), Piece(bars, self.text_styles["accent"])]

    def _address(self) -> list[Piece]:
        url = self.dashboard_state.about.url if self.dashboard_state.about else None
        return [Piece(url.removeprefix("http://"), self.text_styles["dim"])] if url else []

    def _uptime(self) -> list[Piece]:
        about = self.dashboard_state.about
        if about is None or not about.start_time:
            return []
        return self._quantity(
            "up", formats.duration(self.dashboard_state.now - formats.epoch_seconds(about.start_time))
        )

    def _quantity(self, name: str, value: str) -> list[Piece]:
        return [Piece(f"{name} ", self.text_styles["dim"]), Piece(value, self.text_styles["text"])]

    def _config(self, room: int) -> str:
        about = self.dashboard_state.about
        if about is None or about.config is None:
            return ""
        parts = Path(about.config).parts
        for name in ("/".join(parts[-2:]), parts[-1]):
            if len(name) <= room:
                return name
        return ""
