"""Log lines as strips of the screen."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from rich.ansi import AnsiDecoder
from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.log_view.search import Search, level_spans
from pmtui.dashboard.style.formats import clock_time, shorten
from pmtui.dashboard.style.glyphs import Glyphs
from pmtui.dashboard.style.styles import Styles
from pmtui.text.sanitize import keep_colors

MAX_LINE_BYTES = 8192
"""Bytes of a line that are shown; the rest is in the file."""
TIME_WIDTH = 14
_JOINERS = dict.fromkeys((0x200D, 0xFE0E, 0xFE0F, 0x2028, 0x2029))

Span = tuple[int, int, Style]


@dataclass(frozen=True)
class RenderOptions:
    """How to draw lines. `names` is the width of the id column, 0 for none; `x` cells are scrolled off."""

    width: int
    times: bool = True
    wrap: bool = False
    names: int = 0
    x: int = 0
    search: Search | None = None

    @property
    def prefix(self) -> int:
        """Return the number of cells before the text."""
        return 1 + (TIME_WIDTH if self.times else 0) + (self.names + 2 if self.names else 0)

    @property
    def text_width(self) -> int:
        return max(1, self.width - self.prefix)


def shown_text(line: Line) -> tuple[str, list[Span]]:
    """Return what may be written on the screen, with the colors its process gave it."""
    text = keep_colors(line.data[:MAX_LINE_BYTES])
    if len(line.data) > MAX_LINE_BYTES:
        text += f" … {len(line.data) - MAX_LINE_BYTES:,} more bytes"
    if "\x1b" in text:
        decoded = AnsiDecoder().decode_line(text)
        spans = [(span.start, span.end, _safe_style(span.style)) for span in decoded.spans]
        text = decoded.plain
    else:
        spans = []
    return (text, spans) if text.isascii() else (text.translate(_JOINERS), spans)


def _safe_style(style: Style | str) -> Style:
    """Keep colors and weights; drop blinking, hiding and links."""
    if not isinstance(style, Style):
        return Style.null()
    return Style(
        color=style.color,
        bgcolor=style.bgcolor,
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=style.reverse,
    )


def line_strips(
    line: Line, options: RenderOptions, styles: Styles, glyphs: Glyphs, *, current: bool = False
) -> Sequence[Strip]:
    """Return the rows of a line; `current` marks it as the one the search has reached."""
    text, spans = shown_text(line)
    if not spans:
        spans = [(start, end, styles[tone]) for start, end, tone in level_spans(text)]  # type: ignore[index]
    if options.search is not None:
        style = styles.current_match if current else styles.match
        spans += [(start, end, style) for start, end in options.search.spans(text)]
    head = _head(line, options, styles, glyphs)
    if not options.wrap:
        strip = Strip(_segments(text, 0, len(text), spans, styles["text"]))
        return [Strip([*head, *strip.crop(options.x, options.x + options.text_width)])]
    rows = []
    begin = 0
    for piece in chop_cells(text, options.text_width) or [""]:
        rows.append(Strip([*head, *_segments(text, begin, begin + len(piece), spans, styles["text"])]))
        head = [head[0], Segment(" " * (options.prefix - 1))]
        begin += len(piece)
    return rows


def run_strip(run: int, options: RenderOptions, styles: Styles, glyphs: Glyphs) -> Strip:
    """Return the separator between two runs."""
    head = f" {glyphs.rule * 2} run {run} "
    return Strip([Segment(head + glyphs.rule * max(0, options.width - len(head)), styles["dim"])])


def _head(line: Line, options: RenderOptions, styles: Styles, glyphs: Glyphs) -> list[Segment]:
    mark = glyphs.stderr if line.stream == "stderr" else " "
    head = [Segment(mark, styles["warn"])]
    if options.times:
        head.append(Segment(clock_time(line.ms).ljust(TIME_WIDTH), styles["dim"]))
    if options.names:
        name = shorten(line.process_id, options.names, glyphs.ellipsis)
        head.append(Segment(name + " " * (options.names + 2 - cell_len(name)), styles["accent"]))
    return head


def _segments(text: str, begin: int, end: int, spans: Sequence[Span], base: Style) -> list[Segment]:
    """Cut `text[begin:end]` where styles begin and end; later styles lie on top."""
    here = [(max(start, begin), min(stop, end), style) for start, stop, style in spans if start < end and stop > begin]
    if not here:
        return [Segment(text[begin:end], base)]
    cuts = sorted({begin, end, *(place for span in here for place in span[:2])})
    segments = []
    for left, right in itertools.pairwise(cuts):
        style = base
        for start, stop, over in here:
            if start <= left and right <= stop:
                style += over
        segments.append(Segment(text[left:right], style))
    return segments
