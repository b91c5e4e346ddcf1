"""The first line: the config, the status of its processes, their cost, and the address of the API."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from pmtui.control import Snapshot, Status
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.glyphs import STATUS_TONES, Glyphs, Tone, progress, sparkline
from pmtui.dashboard.style.statuses import Problem, problem_of
from pmtui.dashboard.widgets.bar import Bar, Piece, justify, total_width

STATUS_ORDER = (
    Status.RUNNING,
    Problem.UNHEALTHY,
    Problem.RETRYING,
    Status.FAILED,
    Status.STARTING,
    Status.WAITING,
    Status.STOPPING,
    Status.SCHEDULED,
    Status.COMPLETED,
    Status.STOPPED,
)
WORD_ORDER = (
    Status.STOPPED,
    Status.COMPLETED,
    Status.SCHEDULED,
    Status.WAITING,
    Status.STOPPING,
    Status.STARTING,
    Status.RUNNING,
    Problem.RETRYING,
    Problem.UNHEALTHY,
    Status.FAILED,
)
"""The order in which counts lose their words if space is short."""
MAX_WORDLESS_BESIDE_COST = 5
"""Counts that lose their words before memory and CPU are dropped."""
MIN_PROGRESS_COUNT = 5
"""Starting processes from which on a progress bar is shown."""


class TitleBar(Bar):
    """Counts by status at every width; memory, CPU, address, uptime and config if there is room."""

    DEFAULT_CSS = """
    TitleBar { background: $panel; }
    """
    dashboard_state = DashboardState()

    def show(self, state: DashboardState) -> None:
        self.dashboard_state = state
        self.update_pieces()

    def pieces(self, width: int) -> Sequence[Piece]:
        styles = self.text_styles
        gap = Piece("   ", styles["text"])
        name = Piece(" pmtui", styles["accent"] + styles["bold"].without_color)
        memory, cpu, uptime = self._memory(), self._cpu(), self._uptime()
        lefts = [
            [name, *self._errors(), *self._alarms(), *self._counts(WORD_ORDER[:dropped])]
            for dropped in range(len(WORD_ORDER) + 1)
        ]
        left: list[Piece] = []
        for dropped, left in enumerate(lefts):
            beside = [*memory, *cpu] if dropped <= MAX_WORDLESS_BESIDE_COST else []
            if total_width([*left, *beside, gap]) <= width:
                break
        right: list[Piece] = []
        for pieces in (memory, cpu, self._host(), self._spark(), self._address(), uptime):
            if pieces and total_width([*left, *right, *pieces, gap, gap]) < width:
                right += [*([gap] if right and pieces[0].text.strip() else []), *pieces]
        left = next((words for words in lefts[:dropped] if total_width([*words, *right, gap]) < width), left)
        if config := self._config(width - total_width([*left, *right]) - 6):
            left[1:1] = [Piece(f"  {config}", styles["dim"])]
        return justify(left, [*right, Piece(" ", styles["text"])], width, Piece(" ", styles["text"]))

    def _errors(self) -> list[Piece]:
        errors = self.dashboard_state.about.errors if self.dashboard_state.about else []
        said = formats.plural(len(errors), "config error", "config errors")
        return [Piece(f"   {self.glyphs.bad} {said}", self.text_styles["bad"], "reload")] if errors else []

    def _alarms(self) -> list[Piece]:
        missing = sum(row.log_problem.missing_bytes for row in self.dashboard_state.snapshots if row.log_problem)
        since = min((row.log_problem.since for row in self.dashboard_state.snapshots if row.log_problem), default="")
        if not since:
            return []
        said = f"log disk failing since {formats.local_time(since)}, {formats.memory(missing)} missing"
        return [Piece(f"   {self.glyphs.bad} {said}", self.text_styles["bad"])]

    def _counts(self, wordless: Collection[str]) -> list[Piece]:
        styles, glyphs = self.text_styles, self.glyphs
        if self.dashboard_state.connection_error:
            return [Piece(f"   {glyphs.bad} {self.dashboard_state.connection_error}", styles["bad"])]
        counted: Counter[str] = Counter(map(_counted_as, self.dashboard_state.snapshots))
        pieces = []
        for status in STATUS_ORDER:
            if counted[status]:
                word = "" if status in wordless else f" {status}"
                symbol, tone = _appearance(status, glyphs)
                pieces.append(Piece(f"   {symbol} {counted[status]}{word}", styles[tone], f"is:{status}"))
        coming = counted[Status.STARTING] + counted[Status.WAITING]
        if coming >= MIN_PROGRESS_COUNT:
            total = len(self.dashboard_state.snapshots)
            pieces.append(Piece("   " + progress(total - coming, total, 12, glyphs), styles["accent"]))
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

    def _host(self) -> list[Piece]:
        """The process that the manager ends with, such as PocketBase."""
        about = self.dashboard_state.about
        return self._quantity("in", about.host) if about and about.host else []

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


def _counted_as(row: Snapshot) -> str:
    problem = problem_of(row)
    return problem if problem and problem is not Problem.BLOCKED else row.status


def _appearance(status: Status | Problem, glyphs: Glyphs) -> tuple[str, Tone]:
    if status is Problem.UNHEALTHY:
        return glyphs.unhealthy, "warn"
    known = Status.CRASHED if status is Problem.RETRYING else Status(status)
    return glyphs.status[known], STATUS_TONES[known]
