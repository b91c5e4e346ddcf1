"""Updates of the screen that write only the cells that changed.

Textual 8.2.8 writes a line from the left edge of its widget up to the last changed cell.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate


class CroppedUpdate(ChopsUpdate):
    """Also leaves out what is left of the changed cells."""

    @classmethod
    def of(cls, update: ChopsUpdate) -> "CroppedUpdate":
        return cls(update.chops, update.spans, update.chop_ends)

    def render_segments(self, console: Console) -> str:
        written: list[str] = []
        for y, first, last in self.spans:
            for end, (begin, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                left, right = max(begin, first), min(end, last)
                if strip is None or left >= right:
                    continue
                written.append(Control.move_to(left, y).segment.text)
                written.append(strip.crop(left - begin, right - begin).render(console))
        return "".join(written)
