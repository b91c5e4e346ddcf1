"""What is shown of a line: raw as it was written, or pretty with its level, message and fields."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from rich.ansi import AnsiDecoder
from rich.style import Style

from pmtui.control import Level
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.log_view.options import RenderOptions, Row, Span
from pmtui.dashboard.style.formats import plural
from pmtui.dashboard.style.glyphs import Glyphs, Tone
from pmtui.dashboard.style.styles import Styles
from pmtui.logs.search.levels import find_level
from pmtui.logs.structure.record import Record, field_text, flat_fields, parse_record, without_time
from pmtui.text.sanitize import keep_colors, last_state, strip_escapes

LEVEL_LABELS: dict[Level, str] = {
    "trace": "TRC",
    "debug": "DBG",
    "info": "INF",
    "warn": "WRN",
    "error": "ERR",
    "fatal": "FTL",
}
LEVEL_TONES: dict[Level, Tone] = {
    "trace": "dim",
    "debug": "dim",
    "info": "good",
    "warn": "warn",
    "error": "bad",
    "fatal": "bad",
}
MAX_FRAMES = 6
_PYTHON_FRAME = re.compile(r'\s*File "(?:.*/)?([^/"]+)", line (\d+), in (\S+)')
_JS_FRAME = re.compile(r"\s+at (?:(?:async )?([\w$.<>]+) \()?(?:.*/)?([^/()]+?):(\d+)(?::\d+)?\)?$")
_LIBRARY = re.compile(r"site-packages|node_modules|\(node:|<frozen|/lib/python3")

MAX_LINE_BYTES = 8192
"""Bytes of a line that are shown; the rest is in the file."""
_JOINERS = dict.fromkeys((0x200D, 0xFE0E, 0xFE0F, 0x2028, 0x2029))


def shown_text(line: Line) -> tuple[str, list[Span]]:
    """Return what may be written on the screen, with the colors its process gave it."""
    data = last_state(line.data)
    text = keep_colors(data[:MAX_LINE_BYTES])
    if len(data) > MAX_LINE_BYTES:
        text += f" … {len(data) - MAX_LINE_BYTES:,} more bytes"
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


def display(
    line: Line, options: RenderOptions, styles: Styles, glyphs: Glyphs, *, unfolded: bool = False
) -> Sequence[Row]:
    """Return the rows of a line. `unfolded`: all lines of a traceback."""
    if b"\n" in line.data:
        return block_rows(line, styles, glyphs, unfolded=unfolded)
    if not options.pretty:
        return [_with_level(*shown_text(line), styles)]
    text = strip_escapes(line.data)
    if record := parse_record(text):
        return [record_row(record, styles)]
    text, spans = shown_text(line)
    if options.times and not spans:
        text = without_time(text)
    return [_with_level(text, spans, styles)]


def level_of_line(line: Line) -> Level | None:
    found = find_level(strip_escapes(line.data))
    return found.level if found else None


def record_row(record: Record, styles: Styles) -> Row:
    """Level and message first, then the fields."""
    pieces = [(LEVEL_LABELS[record.level] if record.level else "   ", styles[_tone(record.level)])]
    loud = record.level in ("error", "fatal")
    message = one_line(record.message)
    pieces += [(f"  {message}", styles["bold" if loud else "text"])] if message else []
    for key, value in flat_fields(record.extra):
        pieces += [(f"  {one_line(key)}=", styles["dim"]), (one_line(field_text(value)), styles["text"])]
    return _joined(pieces)


def block_rows(line: Line, styles: Styles, glyphs: Glyphs, *, unfolded: bool = False) -> Sequence[Row]:
    """Show a traceback by its message and the innermost frames."""
    lines = block_lines(line)
    note = f"  {glyphs.unfolded if unfolded else glyphs.folded} {plural(len(lines), 'line', 'lines')}"
    head = _joined([(f"{glyphs.bad} {headline(lines)}", styles["bad"] + Style(bold=True)), (note, styles["dim"])])
    if unfolded:
        return [head, *(Row(f"  {text}", []) for text in lines)]
    frames = f" {glyphs.from_} ".join(frames_of(lines))
    return [head, _joined([(f"  {frames}", styles["dim"])])] if frames else [head]


def block_lines(line: Line) -> Sequence[str]:
    return [strip_escapes(part).expandtabs() for part in line.data.split(b"\n")]


def plain_text(line: Line) -> str:
    """Return a line, or all lines of a traceback, as they were written, without control sequences."""
    return "\n".join(block_lines(line)) if b"\n" in line.data else shown_text(line)[0]


def headline(lines: Sequence[str]) -> str:
    """Return what the first line of a folded block says: the message of the exception."""
    if any("Traceback (most recent call last)" in line for line in lines):
        ends = [
            line for line in lines if line[:1].strip() and not line.startswith(("Traceback", "During", "The above"))
        ]
        if ends and "Traceback" in lines[0]:
            return ends[-1]
        if len(ends) > 1 and ends[-1] != lines[0]:
            return f"{without_time(lines[0])}: {ends[-1]}"
    if "panicked at" in lines[0] and len(lines) > 1:
        return f"{lines[0]} {lines[1]}"
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return f"{without_time(lines[0])} {causes[-1]}" if causes else without_time(lines[0])


def frames_of(lines: Sequence[str]) -> Sequence[str]:
    """Return the innermost frames of the program's own code, innermost first."""
    python = [
        f"{m[1]}:{m[2]} {m[3]}" for line in lines if (m := _PYTHON_FRAME.match(line)) and not _LIBRARY.search(line)
    ]
    if python:
        return python[::-1][:MAX_FRAMES]
    return [*islice(_js_frames(lines), MAX_FRAMES)]


def _js_frames(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if (found := _JS_FRAME.match(line)) and not _LIBRARY.search(line):
            yield f"{found[2]}:{found[3]}" + (f" {found[1]}" if found[1] else "")


def one_line(text: str) -> str:
    """Make a field fit for one row."""
    if text.isprintable():
        return text
    text = text.replace("\r", "").replace("\n", " ⏎ ").replace("\t", "  ")
    return strip_escapes(text.encode(errors="replace"))


def _with_level(text: str, spans: list[Span], styles: Styles) -> Row:
    """Color the word that names the level, unless the program has used colors itself."""
    if not spans and (found := find_level(text)) and LEVEL_TONES[found.level] != "good":
        spans = [(found.begin, found.end, styles[LEVEL_TONES[found.level]])]
    return Row(text, spans)


def _tone(level: Level | None) -> Tone:
    return LEVEL_TONES[level] if level else "dim"


def _joined(pieces: Sequence[tuple[str, Style]]) -> Row:
    spans: list[Span] = []
    at = 0
    for text, style in pieces:
        spans.append((at, at + len(text), style))
        at += len(text)
    return Row("".join(text for text, _ in pieces), spans)
