"""The last line: what can be done here, and with which keys."""

from collections.abc import Sequence

from pmtui.dashboard.actions import ACTIONS
from pmtui.dashboard.widgets.bar import Bar, Piece, width_of

MOST = 7
"""Keys shown in a narrow terminal."""


class KeyBar(Bar):
    """Keys by rank, as many as fit; `labels` gives some of them a name that suits the moment."""

    DEFAULT_CSS = """
    KeyBar { background: $panel; }
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.labels: dict[str, str] = {}
        self.hidden: frozenset[str] = frozenset()
        self.hint = ""

    def pieces(self, width: int) -> Sequence[Piece]:
        look = self.look
        chosen: list[Piece] = []
        ranked = sorted((action for action in ACTIONS if action.footer), key=lambda action: action.footer)
        shown = [action for action in ranked if action.id not in self.hidden]
        if width < 100:
            quit_ = [action for action in shown if action.id == "quit"]
            shown = [action for action in shown if action.id != "quit"][: MOST - 1 - bool(self.hint)] + quit_
        for action in shown:
            label = self.labels.get(action.id, action.label)
            pieces = [
                Piece(f" {action.key}", look["accent"], action.id),
                Piece(f" {label}  ", look["text"], action.id),
            ]
            if width_of([*chosen, *pieces]) <= width:
                chosen += pieces
        free = width - width_of(chosen) - len(self.hint) - 1
        if self.hint and free > 0:
            chosen += [Piece(" " * free, look["text"]), Piece(self.hint, look["dim"])]
        return chosen
