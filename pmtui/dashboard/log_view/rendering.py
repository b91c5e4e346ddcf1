"""Log lines as strips of the screen."""

import itertools
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pmtui.dashboard.log_view.display import display, level_of_line
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.log_view.options import TIME_WIDTH, RenderOptions, Row, Span
from pmtui.dashboard.style.formats import clock_time, shorten
from pmtui.dashboard.style.glyphs import Glyphs, Tone
from pmtui.dashboard.style.styles import Styles

QUIET_LEVELS = ("trace", "debug", "info")
"""Levels that need no mark, also on stderr, where many programs write everything."""


def line_strips(
    line: Line, options: RenderOptions, styles: Styles, glyphs: Glyphs, *, current: bool = False
) -> Sequence[Strip]:
    """Return the rows of a line; `current` marks it as the one the reader is on."""
    head = _head(line, options, styles, glyphs, current=current)
    base = styles["dim" if line.partial else "text"]
    strips: list[Strip] = []
    for row in display(line, options, styles, glyphs, unfolded=current and options.search is not None):
        strips += _row_strips(_with_matches(row, options, styles, current=current), head, options, base)
        head = [head[0], Segment(" " * (options.prefix - 1))]
    if current:
        return [strip.adjust_cell_length(options.width).apply_style(styles.cursor) for strip in strips]
    return strips


def _with_matches(row: Row, options: RenderOptions, styles: Styles, *, current: bool) -> Row:
    if options.search is None:
        return row
    style = styles.current_match if current else styles.match
    return Row(row.text, [*row.spans, *((start, end, style) for start, end in options.search.spans(row.text))])


def _row_strips(row: Row, head: list[Segment], options: RenderOptions, base: Style) -> Sequence[Strip]:
    if not options.wrap:
        strip = Strip(_segments(row.text, 0, len(row.text), row.spans, base))
        return [Strip([*head, *strip.crop(options.x, options.x + options.text_width)])]
    strips = []
    begin = 0
    for piece in chop_cells(row.text, options.text_width) or [""]:
        strips.append(Strip([*head, *_segments(row.text, begin, begin + len(piece), row.spans, base)]))
        head = [head[0], Segment(" " * (options.prefix - 1))]
        begin += len(piece)
    return strips


def run_strip(line: Line, options: RenderOptions, styles: Styles, glyphs: Glyphs) -> Strip:
    """Return the separator above the first line of a run."""
    about = options.runs.get((line.process_id, line.run), "")
    parts = [f"run {line.run}", clock_time(line.ms)[:8], *([about] if about else [])]
    head = shorten(f" {glyphs.rule * 2} {f' {glyphs.dot} '.join(parts)} ", options.width, glyphs.ellipsis)
    return Strip([Segment(head + glyphs.rule * max(0, options.width - cell_len(head)), styles["dim"])])


def _head(line: Line, options: RenderOptions, styles: Styles, glyphs: Glyphs, *, current: bool) -> list[Segment]:
    head = [_mark(line, styles, glyphs)]
    if current:
        head = [Segment(glyphs.cursor, styles["accent"])]
    if options.times:
        head.append(Segment(clock_time(line.ms).ljust(TIME_WIDTH), styles["dim"]))
    if options.names:
        name = shorten(line.process_id, options.names, glyphs.ellipsis)
        style = styles.id_style(options.colors.get(line.process_id, 0))
        head.append(Segment(name + " " * (options.names + 2 - cell_len(name)), style))
    return head


def _mark(line: Line, styles: Styles, glyphs: Glyphs) -> Segment:
    if line.stream != "stderr":
        return Segment(" ")
    level = level_of_line(line)
    tone: Tone = "bad" if level in ("error", "fatal") else "warn"
    return Segment(" ") if level in QUIET_LEVELS else Segment(glyphs.stderr, styles[tone])


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
