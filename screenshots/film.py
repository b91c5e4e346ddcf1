"""Make the film of the README: the real dashboard on a pseudo-terminal, over the real processes of `film/`.

`python -m screenshots.film` in the repository takes six minutes; `film.svg` is written next to this file. What takes
long is played faster.
"""

import html
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rich.color import Color
from rich.style import Style
from rich.terminal_theme import MONOKAI

from pmtui.dashboard.terminal_view.palette import rich_style
from pmtui.terminal.emulator import Emulator
from tests.dashboard.terminal import PseudoTerminal

HERE = Path(__file__).parent
SIZE = COLUMNS, ROWS = 110, 30
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN = 8.43, 16.3, 14, 10
FRAME = 0.1
"""Seconds between two looks at the screen."""
LAST_FRAME = 2.0
PRELUDE = 300.0
"""Seconds before the film begins: something to see in the chart."""
BROKEN, MENDED = 'order["token"]', 'order.get("token")'

Cell = tuple[str, Style]
Row = tuple[Cell, ...]


class Frame(NamedTuple):
    at: float
    rows: tuple[Row, ...]
    caption: str


class Camera:
    """Looks at a terminal; `speed` is how many of its seconds are one of the film."""

    def __init__(self, terminal: PseudoTerminal) -> None:
        self.terminal = terminal
        self.screen = Emulator(*SIZE)
        self.frames: list[Frame] = []
        self.caption = ""
        self.at = 0.0
        self._fed = 0

    def roll(self, seconds: float, speed: float = 1.0, caption: str | None = None) -> None:
        """Film for as many seconds of the terminal."""
        if caption is not None:
            self.caption = caption
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(FRAME * max(speed, 1.0))
            self._look()
            self.at += FRAME

    def until(self, words: str, within: float = 60.0, speed: float = 1.0) -> None:
        """Film until the screen shows these words."""
        end = time.monotonic() + within
        while words not in "\n".join(self.screen.lines()):
            assert time.monotonic() < end, f"{words!r} is not on the screen:\n" + "\n".join(self.screen.lines())
            self.roll(FRAME / 2, speed)

    def cut(self) -> None:
        """Forget what was filmed so far."""
        self.frames.clear()
        self.at = 0.0

    def _look(self) -> None:
        output = self.terminal.output
        self.screen.feed(output[self._fed :])
        self._fed = len(output)
        if answers := self.screen.take_answers():
            self.terminal.press(answers)
        rows = tuple(tuple((text, rich_style(style)) for text, style in self.screen.runs(row)) for row in range(ROWS))
        if not self.frames or (self.frames[-1].rows, self.frames[-1].caption) != (rows, self.caption):
            self.frames.append(Frame(self.at, rows, self.caption))


def shoot(folder: Path) -> list[Frame]:
    """Return what a user sees: a crash, its reason, the error, the repair, and all of it in the chart."""
    api = folder / "api.py"
    terminal = PseudoTerminal(folder, None, size=SIZE)
    camera = Camera(terminal)
    try:
        camera.until("7 running", speed=5)
        terminal.press(b"jj")
        camera.roll(PRELUDE, speed=PRELUDE)
        camera.cut()
        camera.roll(1.4, caption="Seven processes run under pmtui.")
        (folder / ".pmtui" / "trouble").touch()
        camera.until("retry in")
        camera.roll(1.6, caption="api crashes. WHY says what happened, and when it is tried again.")
        terminal.press(b"\t")
        camera.roll(0.2)
        terminal.press(b"e")
        camera.roll(2.2, caption="e goes to the error, and Enter opens the whole traceback.")
        terminal.press(b"\r")
        camera.roll(2.2)
        camera.roll(15.0, speed=150)
        camera.caption = "api.py is mended and saved: pmtui restarts it at once."
        api.write_text(api.read_text().replace(BROKEN, MENDED))
        terminal.press(b"\x1b")
        camera.roll(2.0)
        camera.roll(25.0, speed=25)
        terminal.press(b"c1")
        camera.roll(2.0, caption="c shows the dip in the chart, and why each run ended.")
        return camera.frames
    finally:
        terminal.close()


class Drawing:
    """Writes frames as one SVG in which each different row exists once."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames
        self._seconds = frames[-1].at + LAST_FRAME
        self._rows: dict[Row, str] = {}
        self._styles: dict[str, str] = {}

    def svg(self) -> str:
        width = COLUMNS * CELL_WIDTH + 2 * MARGIN
        height = round((ROWS + 2) * CELL_HEIGHT + 2 * MARGIN)
        body = "".join(self._frame(number) for number in range(len(self._frames)))
        rows = "".join(f'<g id="{name}">{"".join(self._row(row))}</g>' for row, name in self._rows.items())
        styles = "".join(f".{name}{{{rule}}}" for rule, name in self._styles.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">'
            f"<title>pmtui: a crash, its reason, its repair</title>"
            f"<style>text{{font:{FONT_SIZE}px 'Fira Code','DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre;"
            f"fill:{color_of(None, True)}}}.k{{fill:#fff;font-weight:bold}}{styles}</style>"
            f'<rect width="100%" height="100%" rx="8" fill="#0c0f14"/><defs>{rows}</defs>{body}</svg>\n'
        )

    def _frame(self, number: int) -> str:
        frame = self._frames[number]
        end = self._frames[number + 1].at if number + 1 < len(self._frames) else self._seconds
        uses = "".join(
            f'<use href="#{self._name(row)}" y="{y * CELL_HEIGHT:.1f}"/>' for y, row in enumerate(frame.rows) if row
        )
        begin, stop = (f"{at / self._seconds:.4f}" for at in (frame.at, end))
        times = f"0;{begin};{stop}" if number else f"0;{stop}"
        values = "hidden;visible;hidden" if number else "visible;hidden"
        return (
            f'<g visibility="{values.split(";")[0]}"><animate attributeName="visibility" values="{values}" '
            f'keyTimes="{times}" calcMode="discrete" dur="{self._seconds:.1f}s" repeatCount="indefinite"/>'
            f'<g transform="translate({MARGIN},{MARGIN})">{uses}'
            f'<text class="k" x="6" y="{(ROWS + 1.4) * CELL_HEIGHT:.0f}">{html.escape(frame.caption)}</text></g></g>'
        )

    def _name(self, row: Row) -> str:
        return self._rows.setdefault(row, f"r{len(self._rows)}")

    def _row(self, row: Row) -> Iterator[str]:
        column = 0
        for style, cells in groupby(row, key=lambda cell: cell[1]):
            text = "".join(text for text, _ in cells)
            x, width = column * CELL_WIDTH, len(text) * CELL_WIDTH
            column += len(text)
            fore, back = style.color, style.bgcolor
            if style.reverse:
                fore, back = back, fore
            if back or style.reverse:
                fill = color_of(back, bool(style.reverse))
                yield f'<rect x="{x:.1f}" width="{width + 0.2:.1f}" height="{CELL_HEIGHT}" fill="{fill}"/>'
            if text.strip():
                rule = f"fill:{color_of(fore, not style.reverse)}"
                rule += ";font-weight:bold" if style.bold else ""
                rule += ";opacity:.6" if style.dim else ""
                rule += ";text-decoration:underline" if style.underline else ""
                name = self._styles.setdefault(rule, f"s{len(self._styles)}")
                shown = html.escape(text.rstrip())
                length = len(text.rstrip()) * CELL_WIDTH
                yield f'<text class="{name}" x="{x:.1f}" y="13" textLength="{length:.1f}">{shown}</text>'


def color_of(color: Color | None, is_foreground: bool) -> str:
    return str((color or Color.default()).get_truecolor(MONOKAI, is_foreground).hex)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder).resolve() / "shop"
        shutil.copytree(HERE / "film", project)
        frames = shoot(project)
    (HERE / "film.svg").write_text(Drawing(frames).svg())
    sys.stdout.write(f"{len(frames)} frames, {frames[-1].at + LAST_FRAME:.1f} s\n")


if __name__ == "__main__":
    main()
