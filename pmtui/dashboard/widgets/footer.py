"""The last line: what can be done here, and with which keys."""

from collections.abc import Sequence

from rich.cells import cell_len

from pmtui.dashboard.actions import ACTIONS, Action
from pmtui.dashboard.widgets.bar import Bar, Piece, width_of

MOST = 7
"""Keys shown in a narrow terminal."""
ALWAYS = ("help", "quit")


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
        chosen: list[Piece] = []
        ranked = sorted((action for action in ACTIONS if action.footer), key=lambda action: action.footer)
        shown = [action for action in ranked if action.id not in self.hidden]
        if width < 100:
            others = [action for action in shown if action.id not in ALWAYS][: MOST - len(ALWAYS)]
            shown = [action for action in shown if action in others or action.id in ALWAYS]
        left = width - (cell_len(self.hint) + 1 if self.hint else 0)
        fitting = set()
        for action in sorted(shown, key=lambda action: action.id not in ALWAYS):
            left -= width_of(self._key(action))
            if left < 0:
                break
            fitting.add(action.id)
        for action in shown:
            if action.id in fitting:
                chosen += self._key(action)
        free = width - width_of(chosen) - cell_len(self.hint) - 1
        if self.hint and free >= 0:
            chosen += [Piece(" " * free, self.look["text"]), Piece(self.hint, self.look["dim"])]
        return chosen

    def _key(self, action: Action) -> Sequence[Piece]:
        label = self.labels.get(action.id, action.label)
        return [
            Piece(f" {action.key}", self.look["accent"], action.id),
            Piece(f" {label}  ", self.look["text"], action.id),
        ]
