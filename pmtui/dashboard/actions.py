"""Every action of the dashboard, once.

Bindings, footer, palette, help screen and docs/dashboard.md are made from this list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from textual.binding import Binding, BindingType

Section = Literal["Processes", "Table", "Logs", "View", "Moving"]
Scope = Literal["app", "screen", "table", "log"]


@dataclass(frozen=True, slots=True)
class Action:
    """`id` names the method `action_…` of the scope's widget; `footer` is the rank in the footer, 0 for none."""

    id: str
    keys: str
    label: str
    help: str
    section: Section
    footer: int = 0
    scope: Scope = "screen"

    @property
    def name(self) -> str:
        """Return the name in `ui.toml`."""
        return self.label.lower().replace(" ", "_") if "(" in self.id else self.id

    @property
    def key(self) -> str:
        """Return the first key as people write it."""
        return format_key(self.keys.split(",")[0])

    @property
    def call(self) -> str:
        """Return the action as Textual runs it from the main screen."""
        return f"app.{self.id}" if self.scope == "app" else self.id

    @property
    def all_keys(self) -> str:
        return " ".join(format_key(key) for key in self.keys.split(","))


NAMES = {
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
    "vertical_line": "|",
    "dollar_sign": "$",
}


def format_key(key: str) -> str:
    """Return a key as people write it: `Ctrl-P`, `?`."""
    if key.startswith("ctrl+"):
        return f"Ctrl-{key[5:].upper()}"
    return NAMES.get(key, key.upper() if len(key) > 1 and key[0] == "f" else key)


RANGE_HELP = "Show charts of 15 minutes, 1 hour, 6 hours, 1 day"
ACTIONS: Sequence[Action] = (
    Action("restart", "r", "Restart", "Restart the process, or the marked ones", "Processes", 1),
    Action("toggle_running", "s", "Stop", "Stop the process if it is running, otherwise start it", "Processes", 2),
    Action("restart_menu", "R", "Restart…", "Restart all failed processes, a group, or all", "Processes"),
    Action("kill", "x", "Kill", "Kill the whole process tree immediately", "Processes", 7),
    Action("signal", "S", "Signal…", "Send a signal to the main process", "Processes"),
    Action("terminal", "i", "Terminal", "Type into the terminal of the process (tty); Ctrl-] returns", "Processes"),
    Action("open_url", "u", "Open URL", "Open the address of the process in a browser", "Processes"),
    Action("shell", "dollar_sign", "Shell", "Open a shell with its directory and environment", "Processes"),
    Action("edit_config", "ctrl+e", "Edit config", "Open the config at the process in $EDITOR", "Processes"),
    Action("mark", "space", "Mark", "Mark the process for the next action", "Processes"),
    Action("reload", "L", "Reload config", "Reload the config; shows errors or the changes first", "Processes"),
    Action("slash", "slash", "Filter", "Filter the table, or search the log if it has focus", "Table", 4),
    Action(
        "problems", "exclamation_mark", "Problems only", "Show only crashed, failed and unhealthy processes", "Table"
    ),
    Action("group", "at", "Group…", "Show only one group", "Table"),
    Action("sort_next", "greater_than_sign", "Sort by next column", "Sort by the next or the previous column", "Table"),
    Action(
        "sort_previous", "less_than_sign", "Sort by previous column", "Sort by the next or the previous column", "Table"
    ),
    Action("invert", "I", "Reverse order", "Reverse the sort order", "Table"),
    Action("full_logs", "enter", "Logs", "Show the log full screen; in the log, open a line", "Logs", 3),
    Action("follow", "f", "Follow", "Follow new lines, or pause", "Logs", 8),
    Action("search", "ctrl+f", "Search", "Search the log from anywhere", "Logs"),
    Action("next_match", "n", "Next match", "Go to the next or the previous match", "Logs"),
    Action("previous_match", "N", "Previous match", "Go to the next or the previous match", "Logs"),
    Action("filter_matches", "F", "Matches only", "Show only matching lines, or all lines again", "Logs"),
    Action("stream", "o", "Stream", "Show both streams, only stdout, or only stderr", "Logs"),
    Action("merge", "a", "Merge logs", "Merge the logs of all (or the marked) processes", "Logs"),
    Action("times", "t", "Times", "Show or hide the time of each line", "Logs"),
    Action("wrap", "z", "Wrap", "Wrap or truncate long lines", "Logs"),
    Action("next_error", "e", "Next error", "Go to the next or the previous error", "Logs"),
    Action("previous_error", "E", "Previous error", "Go to the next or the previous error", "Logs"),
    Action("level", "l", "Level", "Show all levels, or only from info, warn or error", "Logs"),
    Action("pretty", "p", "Pretty", "Show lines pretty, or raw as written", "Logs"),
    Action("copy", "y", "Copy", "Copy the selection, or the lines on the screen", "Logs"),
    Action("save", "w", "Save lines", "Save all lines of the log to a file", "Logs"),
    Action("clear_logs", "C", "Clear logs", "Clear the log, in memory and on disk", "Logs"),
    Action("reveal", "v", "Reveal", "Reveal or hide the selected secret in Env", "View"),
    Action("tree", "d", "Dependencies", "Show dependencies and dependents", "View"),
    Action("charts", "c", "Charts", "Show CPU and memory over time, with restarts marked", "View"),
    Action("chart_range('15m')", "1", "Charts: 15 minutes", RANGE_HELP, "View"),
    Action("chart_range('1h')", "2", "Charts: 1 hour", RANGE_HELP, "View"),
    Action("chart_range('6h')", "3", "Charts: 6 hours", RANGE_HELP, "View"),
    Action("chart_range('1d')", "4", "Charts: 1 day", RANGE_HELP, "View"),
    Action("next_tab", "right_square_bracket", "Next tab", "Go to the next or the previous tab", "View"),
    Action("previous_tab", "left_square_bracket", "Previous tab", "Go to the next or the previous tab", "View"),
    Action("layout", "vertical_line", "Wide layout", "Show the log beside the table (from 160 columns)", "View"),
    Action("switch_pane", "tab", "Switch focus", "Move focus between the table and the tab", "View"),
    Action("grow", "plus", "Larger table", "Make the table one line larger or smaller", "View"),
    Action("shrink", "minus", "Smaller table", "Make the table one line larger or smaller", "View"),
    Action("theme", "T", "Theme", "Switch to the next theme", "View", scope="app"),
    Action("palette", "colon,ctrl+p", "Commands", "Find an action by name", "View", 5, scope="app"),
    Action("help", "question_mark", "Help", "Show all keys", "View", 6),
    Action("back", "escape", "Back", "Go one step back; never quits", "View"),
    Action("quit", "q", "Quit", "Quit: stop all, or restart in background; asks first", "View", 9, scope="app"),
    Action("cursor(-1)", "up,k", "Up", "Move one row or line", "Moving", scope="table"),
    Action("cursor(1)", "down,j", "Down", "Move one row or line", "Moving", scope="table"),
    Action("page(-1)", "pageup,ctrl+u", "Page up", "Move one page", "Moving", scope="table"),
    Action("page(1)", "pagedown,ctrl+d", "Page down", "Move one page", "Moving", scope="table"),
    Action("first", "g,home", "First", "Go to the first row or the oldest line", "Moving", scope="table"),
    Action("last", "G,end", "Last", "Go to the last row, or follow the newest line", "Moving", scope="table"),
    Action("sideways(-1)", "left", "Left", "Fold or unfold a group, or scroll long lines", "Moving", scope="table"),
    Action("sideways(1)", "right", "Right", "Fold or unfold a group, or scroll long lines", "Moving", scope="table"),
)
BY_ID = {action.id: action for action in ACTIONS}
DETACH = replace(BY_ID["quit"], label="Detach", help="Detach; the manager keeps running")


def actions_of(detaches: bool, actions: Sequence[Action] = ACTIONS) -> Sequence[Action]:
    """Return the actions of a dashboard that detaches, or of one that owns its manager."""
    if not detaches:
        return actions
    return [
        replace(action, label=DETACH.label, help=DETACH.help) if action.id == "quit" else action
        for action in actions
        if action.id != "reveal"
    ]


def bindings(scope: Literal["screen", "table", "log"]) -> list[BindingType]:
    """Return the bindings of a widget. The log also has those that move in the table."""
    wanted = {"screen": ("screen", "app"), "table": ("table",), "log": ("table", "log")}[scope]
    return [
        Binding(action.keys, action.call, action.label, show=False, key_display=action.key, id=action.name)
        for action in ACTIONS
        if action.scope in wanted
    ]
