"""The tabs beside the log: Info, Events and Env."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from pmtui.config.secrets import MASK
from pmtui.control import Detail, ProcessEvent, RunExit, explain
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.glyphs import STATUS_TONES, Glyphs
from pmtui.dashboard.style.styles import Styles
from pmtui.dashboard.table.rendering import link_style
from pmtui.wording import log_problem_text, wanted_by_text

MAX_NAME_WIDTH = 34
"""Cells of the names of variables; longer ones take two lines."""


class DetailsPane(VerticalScroll, can_focus=True):
    """Scrolling text."""

    DEFAULT_CSS = """
    DetailsPane { background: $background; padding: 0 2; scrollbar-size-vertical: 1; }
    DetailsPane Static { height: auto; }
    """

    def compose(self) -> "Any":
        yield Static("")

    def show(self, content: RenderableType) -> None:
        self.query_one(Static).update(content)


class EnvPane(OptionList):
    """One variable per line. One masked value at a time can be revealed; `note` is shown beside it."""

    DEFAULT_CSS = """
    EnvPane, EnvPane:focus { background: $background; border: none; padding: 0 1; scrollbar-size-vertical: 1; }
    EnvPane > .option-list--option-highlighted { background: $accent 18%; color: $foreground; text-style: none; }
    EnvPane:focus > .option-list--option-highlighted { background: $accent 28%; color: $foreground; text-style: bold; }
    """

    def __init__(self, note: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._note = note
        self._shown: Mapping[str, str] = {}

    def show(self, env: Mapping[str, str], inherited: Container[str], styles: Styles) -> None:
        """Show variables; those of the manager's own environment are dim."""
        if env == self._shown:
            return
        place = self.highlighted
        self._shown = env
        self.clear_options()
        width = min(MAX_NAME_WIDTH, max((len(name) for name in env), default=0))
        for name, value in env.items():
            table = Table.grid(padding=(0, 2, 0, 0))
            table.add_column(width=width, overflow="fold")
            table.add_column(overflow="fold")
            shown = Text(printable(value), styles["dim" if name in inherited else "text"])
            if value == MASK:
                shown.append(f"  {self._note}", styles["dim"])
            table.add_row(Text(name, styles["dim" if name in inherited else "accent"]), shown)
            self.add_option(Option(table))
        if env:
            self.highlighted = min(place or 0, len(env) - 1)

    def show_note(self, text: str) -> None:
        """Show a sentence instead of variables."""
        self._shown = {}
        self.clear_options()
        self.add_option(Option(Content.styled(text, "$text-muted"), disabled=True))

    def action_cursor_up(self) -> None:
        if self.highlighted:
            super().action_cursor_up()

    def action_cursor_down(self) -> None:
        if self.highlighted is None or self.highlighted < self.option_count - 1:
            super().action_cursor_down()

    @property
    def name_at_cursor(self) -> str | None:
        names = [*self._shown]
        return names[self.highlighted] if self.highlighted is not None and names else None


def info_table(detail: Detail, styles: Styles, glyphs: Glyphs, now: float) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")

    def row(name: str, value: object) -> None:
        if value not in (None, "", []):
            table.add_row(Text(name, style=styles["dim"]), Text(printable(str(value)), style=styles["text"]))

    status = Text(f"{glyphs.status[detail.status]} {detail.status}", style=styles[STATUS_TONES[detail.status]])
    table.add_row(Text("status", style=styles["dim"]), status)
    row("why", explain(detail))
    if detail.last_error not in detail.reason:
        row("last error", detail.last_error)
    row("log files", log_problem_text([detail]))
    row("wanted by", wanted_by_text(detail))
    row("command", detail.command)
    row("runs", argv if (argv := " ".join(detail.argv)) != detail.command else "")
    row("cwd", detail.cwd)
    row("interpreter" if detail.interpreter else "program", detail.found or detail.interpreter)
    row("pid", detail.pid or None)
    row("started", formats.day_time(detail.start_time, now) if detail.start_time else None)
    row("ports", ", ".join(map(str, detail.ports)))
    for url in detail.urls:
        table.add_row(Text("url", style=styles["dim"]), Text(url, style=styles["text"] + link_style(url)))
    row("schedule", detail.schedule)
    row("health", detail.health)
    row("restarts", detail.restart_count)
    row("group", detail.group)
    row("origin", "ad hoc: not in the config" if detail.origin == "adhoc" else "")
    for number, ended in enumerate(detail.exits[::-1]):
        row("exits" if number == 0 else "", exit_text(ended, now))
    settings = {name: value for name, value in detail.config.items() if name != "env"}
    for number, (name, value) in enumerate(settings.items()):
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        table.add_row(
            Text("config" if number == 0 else " ", style=styles["dim"]),
            Text.assemble(
                (printable(f"{name} = {text}"), styles["text"]),
                (f"  {origin_of(detail, name)}".rstrip(), styles["dim"]),
            ),
        )
    return table


def origin_of(detail: Detail, name: str) -> str:
    """Return the file and line of a field, or of the first part of a table."""
    return next((place for field, place in detail.origins.items() if field.split(".")[0] == name), "")


def exit_text(ended: RunExit, now: float) -> str:
    how = ended.signal or f"exit {ended.code}"
    words = "".join(f": {text}" for text in [ended.reason or "".join(ended.lines[-1:])] if text)
    return f"{formats.day_time(ended.time, now)}  run {ended.run}  {how} after {ended.uptime_seconds:.1f} s{words}"


def events_table(history: Sequence[ProcessEvent], styles: Styles, glyphs: Glyphs, now: float) -> Table:
    """List every change of status, newest first, with the process if there are several."""
    several = len({event.id for event in history}) > 1
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3 if several else 2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for event in reversed(history):
        status = Text(f"{glyphs.status[event.to]} {event.to}", style=styles[STATUS_TONES[event.to]])
        time = Text(formats.day_time(event.time, now), style=styles["dim"])
        name = [Text(event.id, style=styles["text"])] if several else []
        table.add_row(time, *name, status, Text(printable(event.reason), style=styles["text"]))
    return table
