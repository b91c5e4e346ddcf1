"""The last line: which keys do what here."""

from collections.abc import Sequence

from rich.cells import cell_len

from pmtui.dashboard.actions import ACTIONS, Action
from pmtui.dashboard.widgets.bar import Bar, Piece, total_width

MAX_KEYS = 7
"""Keys shown in a narrow terminal."""
ALWAYS_SHOWN = ("help", "quit")


class KeyBar(Bar):
    """Keys by rank, as many as fit; `labels` overrides some of the names. A prompt has its own keys."""

    DEFAULT_CSS = """
    KeyBar { background: $panel; }
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.labels: dict[str, str] = {}
        self.hidden: frozenset[str] = frozenset()
        self.hint = ""
        self.prompt_keys: Sequence[tuple[str, str]] = ()
        self.actions: Sequence[Action] = ACTIONS

    def pieces(self, width: int) -> Sequence[Piece]:
        if self.prompt_keys:
            return [piece for key, does in self.prompt_keys for piece in self._labeled(key, does, None)]
        chosen: list[Piece] = []
        ranked = sorted((action for action in self.actions if action.footer), key=lambda action: action.footer)
        shown = [action for action in ranked if action.id not in self.hidden]
        if width < 100:
            others = [action for action in shown if action.id not in ALWAYS_SHOWN][: MAX_KEYS - len(ALWAYS_SHOWN)]
            shown = [action for action in shown if action in others or action.id in ALWAYS_SHOWN]
        left = width - (cell_len(self.hint) + 1 if self.hint else 0)
        fitting = set()
        for action in sorted(shown, key=lambda action: action.id not in ALWAYS_SHOWN):
            left -= total_width(self._key(action))
            if left < 0:
                break
            fitting.add(action.id)
        for action in shown:
            if action.id in fitting:
                chosen += self._key(action)
        free = width - total_width(chosen) - cell_len(self.hint) - 1
        if self.hint and free >= 0:
            chosen += [Piece(" " * free, self.text_styles["text"]), Piece(self.hint, self.text_styles["dim"])]
        return chosen

    def _key(self, action: Action) -> Sequence[Piece]:
        return self._labeled(action.key, self.labels.get(action.id, action.label), action.id)

    def _labeled(self, key: str, label: str, target: str | None) -> Sequence[Piece]:
        return [
            Piece(f" {key}", self.text_styles["accent"], target),
            Piece(f" {label}  ", self.text_styles["text"], target),
        ]
