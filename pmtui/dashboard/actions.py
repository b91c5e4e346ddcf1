"""Every action of the dashboard, once: bindings, footer, palette, help screen and README are made of this list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from textual.binding import Binding, BindingType

Section = Literal["Processes", "Table", "Logs", "View", "Moving"]
Scope = Literal["app", "screen", "table", "log"]


@dataclass(frozen=True, slots=True)
class Action:
    """`id` is the method `action_…` of the scope's widget; `footer` is its rank in the footer, 0 for none."""

    id: str
    keys: str
    label: str
    help: str
    section: Section
    footer: int = 0
    scope: Scope = "screen"

    @property
    def key(self) -> str:
        """The first key, as people write it."""
        return format_key(self.keys.split(",")[0])

    @property
    def call(self) -> str:
        """The action as Textual runs it from the main screen."""
        return f"app.{self.id}" if self.scope == "app" else self.id

    @property
    def all_keys(self) -> str:
        return " ".join(format_key(key) for key in self.keys.split(","))


_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "exclamation_mark": "!",
    "at": "@",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "plus": "+",
    "minus": "-",
}


def format_key(key: str) -> str:
    """A key as people write it: `Ctrl-P`, `?`."""
    if key.startswith("ctrl+"):
        return f"Ctrl-{key[5:].upper()}"
    return _NAMES.get(key, key)


ACTIONS: Sequence[Action] = (
    Action("restart", "r", "Restart", "Restart the process, or the marked ones", "Processes", 1),
    Action("toggle_running", "s", "Stop", "Stop it if it runs, start it if it does not", "Processes", 2),
    Action("restart_menu", "R", "Restart…", "Restart several: all failed, a group, all", "Processes"),
    Action("kill", "x", "Kill", "End the whole tree now, without grace", "Processes", 7),
    Action("signal", "S", "Signal…", "Send a signal to the main process", "Processes"),
    Action("mark", "space", "Mark", "Mark the process for the next action", "Processes"),
    Action("reload", "L", "Reload config", "Read the config again; shows errors or the difference", "Processes"),
    Action("slash", "slash", "Filter", "Filter the table; search the log when it has the focus", "Table", 4),
    Action("problems", "exclamation_mark", "Problems only", "Show crashed, failed and unhealthy only", "Table"),
    Action("group", "at", "Group…", "Show one group only", "Table"),
    Action("sort_next", "greater_than_sign", "Sort by next column", "Sort by the next or the previous column", "Table"),
    Action(
        "sort_previous", "less_than_sign", "Sort by previous column", "Sort by the next or the previous column", "Table"
    ),
    Action("invert", "I", "Invert order", "Turn the order of the rows around", "Table"),
    Action("full_logs", "enter", "Logs", "Give the logs the whole screen", "Logs", 3),
    Action("follow", "f", "Follow", "Follow the newest lines, or hold still", "Logs", 8),
    Action("search", "ctrl+f", "Search", "Search in the log, wherever the focus is", "Logs"),
    Action("next_match", "n", "Next match", "Go to the next or the previous match", "Logs"),
    Action("previous_match", "N", "Previous match", "Go to the next or the previous match", "Logs"),
    Action("filter_matches", "F", "Only matches", "Show only lines that match the search, or all again", "Logs"),
    Action("stream", "o", "Stdout/stderr", "Show both streams, stdout only, stderr only", "Logs"),
    Action("merge", "a", "All processes", "Show all (or the marked) processes by time", "Logs"),
    Action("times", "t", "Times", "Show the time of each line, or not", "Logs"),
    Action("wrap", "z", "Wrap", "Wrap long lines, or cut them at the edge", "Logs"),
    Action("next_error", "e", "Next error", "Go to the next or the previous error", "Logs"),
    Action("previous_error", "E", "Previous error", "Go to the next or the previous error", "Logs"),
    Action("copy", "y", "Copy", "Copy the selection, or the lines on the screen", "Logs"),
    Action("save", "w", "Save lines", "Write all lines of the pane to a file", "Logs"),
    Action("clear_logs", "C", "Clear logs", "Forget the process's log, in memory and on disk", "Logs"),
    Action("reveal", "v", "Reveal", "Show or hide the secret under the cursor of Env", "View"),
    Action("tree", "d", "Dependencies", "Show what the process needs, and what needs it", "View"),
    Action("next_tab", "right_square_bracket", "Next tab", "Go on to the next or the previous tab", "View"),
    Action("previous_tab", "left_square_bracket", "Previous tab", "Go on to the next or the previous tab", "View"),
    Action("switch_pane", "tab", "Other pane", "Move the focus between table and pane", "View"),
    Action("grow", "plus", "Larger table", "Give the table one line more or less", "View"),
    Action("shrink", "minus", "Smaller table", "Give the table one line more or less", "View"),
    Action("theme", "T", "Theme", "Go on to the next theme", "View", scope="app"),
    Action("palette", "colon,ctrl+p", "Commands", "Find any of these by name", "View", 5, scope="app"),
    Action("help", "question_mark", "Help", "Show all keys", "View", 6),
    Action("back", "escape", "Back", "One step back; never quits", "View"),
    Action("quit", "q", "Quit", "Stop all, or restart all in the background; asks first", "View", 9, scope="app"),
    Action("cursor(-1)", "up,k", "Up", "One row or line", "Moving", scope="table"),
    Action("cursor(1)", "down,j", "Down", "One row or line", "Moving", scope="table"),
    Action("page(-1)", "pageup,ctrl+u", "Page up", "One page", "Moving", scope="table"),
    Action("page(1)", "pagedown,ctrl+d", "Page down", "One page", "Moving", scope="table"),
    Action("first", "g,home", "First", "First row, or oldest line", "Moving", scope="table"),
    Action("last", "G,end", "Last", "Last row; in the log: the newest line, and follow", "Moving", scope="table"),
    Action("sideways(-1)", "left,h", "Left", "Scroll long lines", "Moving", scope="log"),
    Action("sideways(1)", "right,l", "Right", "Scroll long lines", "Moving", scope="log"),
)
BY_ID = {action.id: action for action in ACTIONS}
DETACH = replace(BY_ID["quit"], label="Detach", help="Leave; the manager and its processes go on")


def actions_of(detaches: bool) -> Sequence[Action]:
    """Those that there are, in a dashboard that owns its manager or in one that only visits it."""
    if not detaches:
        return ACTIONS
    return [DETACH if action.id == "quit" else action for action in ACTIONS if action.id != "reveal"]


def bindings(scope: Literal["screen", "table", "log"]) -> list[BindingType]:
    """The keys of a widget. What moves in the table moves in the log, too."""
    wanted = {"screen": ("screen", "app"), "table": ("table",), "log": ("table", "log")}[scope]
    return [
        Binding(action.keys, action.call, action.label, show=False, key_display=action.key)
        for action in ACTIONS
        if action.scope in wanted
    ]
