"""The card of a process: what it uses, its health, its last runs, its addresses, and what depends on what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from rich.style import Style
from rich.text import Text
from textual.widgets import Static

from pmtui.control import Detail, Graph, RunExit, UsageHistory, explain
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.glyphs import Glyphs, sparkline
from pmtui.dashboard.style.statuses import status_label
from pmtui.dashboard.style.styles import Styles
from pmtui.dashboard.table.columns import addresses

PERIOD = "10m"
"""How far back the bars go."""
POINTS = 60
MAX_TICKS = 15
MAX_RUNS = 4
LABEL_WIDTH = 8
MIN_WIDTH_FOR_TWO = 96
"""Cells from which figures and health stand side by side."""
REFRESH_INTERVAL = 2.0
"""Seconds after which a card is filled again."""


class CardPane(Static):
    """Shows a card, filled again every few seconds."""

    DEFAULT_CSS = """
    CardPane { height: auto; max-height: 8; padding: 0 1; background: $surface; display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._shown: tuple[str, float] = "", 0.0

    def is_current(self, process_id: str, now: float) -> bool:
        return self._shown[0] == process_id and 0 <= now - self._shown[1] < REFRESH_INTERVAL

    def show_rows(self, process_id: str, now: float, rows: Sequence[Text]) -> None:
        self._shown = process_id, now
        self.update(Text("\n").join(rows))


@dataclass(frozen=True)
class Facts:
    """What a card is made of; `usage` and `graph` are None if they cannot be had."""

    detail: Detail
    usage: UsageHistory | None
    graph: Graph | None
    now: float


def card_rows(facts: Facts, width: int, styles: Styles, glyphs: Glyphs) -> list[Text]:
    """Return the rows of a card; figures and health stand side by side if there is room."""
    card = _Card(facts, styles, glyphs)
    bars = max(10, min(POINTS, width // 2 - 34)) if width >= MIN_WIDTH_FOR_TWO else max(10, min(POINTS, width - 34))
    left = [card.cpu(bars), card.memory(bars)]
    right = [card.health(), card.lines()]
    rows = _beside(left, right, width // 2) if width >= MIN_WIDTH_FOR_TWO else [*left, *right]
    shown = [row for row in (card.addresses(), *rows, card.runs(), card.dependencies()) if row]
    for row in shown:
        row.truncate(width, overflow="ellipsis")
    return shown


def status_row(facts: Facts, width: int, styles: Styles, glyphs: Glyphs) -> Text:
    """Return the status and its reason, which the table may have truncated."""
    label = status_label(facts.detail, facts.now, glyphs)
    row = _Card(facts, styles, glyphs).row(
        "status",
        (label.text, styles[label.tone]),
        (f"  {formats.printable(explain(facts.detail, facts.now))}", styles["text"]),
    )
    row.truncate(width, overflow="ellipsis")
    return row


def _beside(left: Sequence[Text], right: Sequence[Text], width: int) -> list[Text]:
    rows = []
    for one, other in zip(left, right, strict=True):
        row = one.copy()
        row.pad_right(max(0, width - row.cell_len))
        rows.append(row.append_text(other))
    return rows


def _recorded(values: Sequence[float | None]) -> Sequence[float]:
    """Return the values from the first recorded one on; a gap is 0."""
    return [value or 0.0 for value in dropwhile(lambda value: value is None, values)]


class _Card:
    def __init__(self, facts: Facts, styles: Styles, glyphs: Glyphs) -> None:
        self._facts, self._styles, self._glyphs = facts, styles, glyphs
        self._detail = facts.detail

    def row(self, label: str, *pieces: tuple[str, Style]) -> Text:
        return Text.assemble(
            (label.ljust(LABEL_WIDTH), self._styles["dim"]), *pieces, no_wrap=True, overflow="ellipsis"
        )

    def addresses(self) -> Text:
        detail, styles = self._detail, self._styles
        urls = addresses(detail)
        pieces = [(f"{url}  ", styles["accent"] + Style(link=url)) for url in urls[:3]]
        if urls:
            pieces.append(("u opens  ", styles["dim"]))
        pieces.append((formats.printable(detail.command), styles["text"]))
        return self.row("address" if urls else "command", *pieces)

    def cpu(self, width: int) -> Text:
        usage = self._facts.usage
        values = _recorded(usage.cpu) if usage else []
        bars = sparkline(values, width, 25.0, self._glyphs)
        peak = f"peak {formats.percent(max(values))} %" if values else ""
        now = f"{formats.percent(self._detail.cpu)} %" if self._detail.pid else self._glyphs.dash
        return self._figure("cpu", now, peak, bars)

    def memory(self, width: int) -> Text:
        usage = self._facts.usage
        values = _recorded(usage.memory) if usage else []
        bars = sparkline(values, width, 1.0, self._glyphs)
        now = formats.memory(self._detail.memory) if self._detail.memory else self._glyphs.dash
        return self._figure("memory", now, f"peak {formats.memory(int(max(values)))}" if values else "", bars)

    def _figure(self, label: str, now: str, peak: str, bars: str) -> Text:
        styles = self._styles
        return self.row(
            label, (now.ljust(9), styles["text"]), (peak.ljust(13), styles["dim"]), (bars, styles["accent"])
        )

    def health(self) -> Text:
        detail, styles, glyphs = self._detail, self._styles, self._glyphs
        if not detail.config.get("health"):
            return self.row("health", ("no health check", styles["dim"]))
        ticks = [
            (glyphs.good if probe.ok else glyphs.bad, styles["good" if probe.ok else "bad"])
            for probe in detail.probes[-MAX_TICKS:]
        ]
        last = detail.probes[-1] if detail.probes else None
        said = f"  {last.latency_ms:.0f} ms" if last and last.ok else f"  {last.message}" if last else "not checked yet"
        return self.row("health", *ticks, (formats.printable(said), styles["text"]))

    def lines(self) -> Text:
        detail, styles = self._detail, self._styles
        worst = f"  {detail.level} in the last minute" if detail.level else ""
        tone = styles["warn" if detail.level == "warn" else "bad"]
        return self.row("lines", (f"{formats.rate(detail.line_rate)}/s", styles["text"]), (worst, tone))

    def runs(self) -> Text:
        detail, styles = self._detail, self._styles
        pieces = []
        for ended in detail.exits[-MAX_RUNS:]:
            pieces += [(f"#{ended.run} ", styles["dim"]), *self._ended(ended), (f" {self._glyphs.dot} ", styles["dim"])]
        current = formats.duration(detail.uptime_seconds) if detail.pid else str(detail.status)
        pieces.append((f"#{detail.restart_count + 1} {current}", styles["good" if detail.pid else "text"]))
        return self.row("history", *pieces)

    def _ended(self, ended: RunExit) -> Iterator[tuple[str, Style]]:
        how = ended.signal or f"exit {ended.code}"
        yield f"{how} ", self._styles["dim" if ended.code == 0 else "bad"]
        yield formats.day_time(ended.time, self._facts.now), self._styles["dim"]

    def dependencies(self) -> Text | None:
        graph, styles, name = self._facts.graph, self._styles, self._detail.id
        if graph is None:
            return None
        needs = [edge for edge in graph.edges if edge.from_ == name]
        needed_by = [edge.from_ for edge in graph.edges if edge.to == name]
        if not needs and not needed_by:
            return None
        pieces: list[tuple[str, Style]] = []
        for edge in needs:
            sign = self._glyphs.good if edge.met else self._glyphs.bad
            pieces += [(f"{edge.to} ", styles["text"]), (f"{sign} ", styles["good" if edge.met else "bad"])]
        if needed_by:
            pieces.append((f"  needed by {', '.join(needed_by)}", styles["dim"]))
        return self.row("needs", *(pieces if needs else [("nothing", styles["dim"]), *pieces]))
