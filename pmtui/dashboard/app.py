"""The dashboard as a Textual application."""

import asyncio
import contextlib
import gc
import math
import os
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from rich.console import RenderableType
from textual import events, on
from textual._compositor import ChopsUpdate
from textual.app import App, ScreenError
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.timer import Timer, TimerCallback
from textual.widgets import Input

from pmtui.control import INACTIVE_STATES, Control, ControlError, Snapshot, Status
from pmtui.dashboard.backend.log_source import LogSource
from pmtui.dashboard.backend.state import DashboardState, StatePoller
from pmtui.dashboard.dialogs.confirm import Question
from pmtui.dashboard.dialogs.quit import QuitChoice, quit_question
from pmtui.dashboard.dialogs.shutdown import ShutdownDialog
from pmtui.dashboard.dialogs.too_small import TooSmall
from pmtui.dashboard.keys import named_keys
from pmtui.dashboard.preferences import Preferences, unknown
from pmtui.dashboard.screens.main import MainScreen
from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.glyphs import ASCII, UNICODE, Glyphs
from pmtui.dashboard.style.statuses import is_problem
from pmtui.dashboard.style.themes import CYCLE, DARK, LIGHT
from pmtui.dashboard.terminal.driver import TerminalDriver
from pmtui.dashboard.terminal.typed import Redirected, Typed
from pmtui.dashboard.terminal.updates import CroppedUpdate
from pmtui.dashboard.terminal_view.screen import TerminalScreen
from pmtui.dashboard.terminal_view.type_ahead import TypeAhead

DOUBLE_PRESS_TIMEOUT = 2.0
"""Seconds within which a second Ctrl-C quits."""
LIST_TIMEOUT = 1.0
"""Seconds that quitting waits for the manager's answer about what runs."""


class ManagerOwner(Protocol):
    """Owns the manager that the dashboard shows."""

    def request_exit(self) -> None:
        """End everything; when called again, immediately. Calls `DashboardApp.manager_ended` when done."""


class DashboardApp(App[None]):
    """Show any manager. With an owner, quitting ends the manager; without one, it keeps running elsewhere."""

    TITLE = "pmtui"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = set()
    CSS = """
    Toast {
        width: auto; max-width: 90%; height: auto; max-height: 2; margin: 0; padding: 0 1; background: $panel;
        text-overflow: ellipsis;
    }
    ToastRack { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", show=False, priority=True),
        Binding("ctrl+q", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    def __init__(
        self,
        control: Control,
        logs: LogSource,
        owner: ManagerOwner | None = None,
        *,
        can_start_again: bool = False,
        glyphs: Glyphs | None = None,
        clock: Callable[[], float] = time.time,
        preferences: Preferences | None = None,
    ) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.control = control
        self.owner = owner
        self.starts_again = False
        self._can_start_again = can_start_again
        self.glyphs = glyphs or (ASCII if os.environ.get("PMTUI_ASCII") else UNICODE)
        self.clock = clock
        self.preferences = preferences or Preferences()
        self.poller = StatePoller(control, self._show_state, clock)
        self.main = MainScreen(control, logs, self.poller, self.glyphs, self.preferences)
        self.main.detaches = owner is None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self._chosen_theme()
        self._exiting = False
        self._theme_before = ""
        self._toasts: dict[str, float] = {}
        self._queued_calls: deque[Callable[[], object]] = deque()
        self._interrupted_at = -math.inf
        self._type_ahead = TypeAhead()

    def get_default_screen(self) -> MainScreen:
        return self.main

    def _chosen_theme(self) -> str:
        chosen = os.environ.get("PMTUI_THEME") or self.preferences.settings.theme or DARK.name
        if chosen in self.available_themes:
            return chosen
        self.preferences.errors = [*self.preferences.errors, unknown("theme", chosen, sorted(self.available_themes))]
        return DARK.name

    def on_mount(self) -> None:
        self.set_keymap(named_keys(self.preferences.keys))
        for error in self.preferences.errors:
            self.notify(printable(error), severity="warning", timeout=10, markup=False)
        self.run_worker(self.poller.run(), group="feed")
        self.call_after_refresh(freeze_gc)
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self._run_queued_calls()

    def _show_state(self, state: DashboardState) -> None:
        if not self.main.is_running:  # closing; the widgets are gone
            return
        self.main.show(state)
        self._set_terminal_title(state)
        if isinstance(self.screen, ShutdownDialog):
            self.screen.show(state)

    async def on_typed(self, typed: Typed) -> None:
        """Give a key or a paste to the terminal that is shown or is being opened, or else to the dashboard."""
        if isinstance(self.screen, TerminalScreen):
            self.screen.type(typed.data)
        elif not self._type_ahead.holds(typed):
            opens = self._opens_terminal(typed.event)
            if typed.burst and not isinstance(self.focused, Input) and not (opens and typed.burst == "first"):
                return
            if opens:
                self._type_ahead.hold_after(typed.event)
            await super().on_event(typed.event)

    def _opens_terminal(self, event: events.Key | events.Paste) -> bool:
        if not isinstance(event, events.Key) or self.screen is not self.main or isinstance(self.focused, Input):
            return False
        return any(action.id == "terminal" and event.key in action.keys.split(",") for action in self.main.actions)

    async def on_event(self, event: events.Event) -> None:
        await super().on_event(event)
        for typed in self._type_ahead.release(event):
            await self.on_typed(typed)

    def on_redirected(self, message: Redirected) -> None:
        message.on_input(message.inputs)

    def _handle_exception(self, error: Exception) -> None:
        """Ignore that widgets are gone while the dashboard closes: messages to its screens are still on their way."""
        if not (self._exit and isinstance(error, NoMatches | ScreenError)):
            super()._handle_exception(error)

    def _print_error_renderables(self) -> None:
        with contextlib.suppress(OSError):  # the terminal is closed
            super()._print_error_renderables()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate):
            renderable = CroppedUpdate.of(renderable)
        super()._display(screen, renderable)

    def notify(self, message: str, **options: Any) -> None:
        """Show a toast, unless it is shown already; a new one replaces those that only inform."""
        timeout = options.get("timeout") or self.NOTIFICATION_TIMEOUT
        now = time.monotonic()
        self._toasts = {text: until for text, until in self._toasts.items() if until > now}
        if message in self._toasts:
            return
        if all(toast.severity == "information" for toast in self._notifications):
            self.clear_notifications()
            self._toasts.clear()
        self._toasts[message] = now + timeout
        super().notify(message, **options)

    def clear_notifications(self) -> None:
        self._toasts.clear()
        super().clear_notifications()

    def _set_terminal_title(self, state: DashboardState) -> None:
        if isinstance(self._driver, TerminalDriver):
            self._driver.set_title(terminal_title(state, self.glyphs))

    def action_suspend_process(self) -> None:
        """Suspend a dashboard that only shows a manager. One that runs it would stop supervising its processes."""
        if self.owner is None:
            super().action_suspend_process()
        else:
            self.notify("Ctrl-Z would also stop the manager; q then b restarts it in the background", markup=False)

    # leaving

    async def action_quit(self) -> None:
        if self.owner is None:
            self.exit()
            return
        if isinstance(self.screen, ShutdownDialog | Question):
            return
        if not (alive := await self._active_snapshots()):
            self.request_exit()
            return
        self.push_screen(quit_question(alive, self.glyphs, self._can_start_again), self._quit_answered)

    async def _active_snapshots(self) -> list[Snapshot]:
        """Return what would stop: from the manager, or what was last shown, if any, if it does not answer in time."""
        rows = self.poller.state.snapshots
        with contextlib.suppress(ControlError, TimeoutError):
            async with asyncio.timeout(LIST_TIMEOUT if self.poller.state.about else None):
                rows = await self.control.list()
        return [row for row in rows if row.status not in INACTIVE_STATES]

    def _quit_answered(self, choice: QuitChoice | None) -> None:
        if choice not in (None, "stay"):
            self.starts_again = choice == "start again"
            self.request_exit()

    def on_resize(self) -> None:
        """Redraw everything: a terminal that was too small for a moment has lost its content."""
        for screen in self.screen_stack[-1:]:
            screen.refresh()

    def set_timer(
        self, delay: float, callback: TimerCallback | None = None, *, name: str | None = None, pause: bool = False
    ) -> Timer:
        """Return a timer that always fires.

        Textual skips a timer whose time has passed before it began to wait, but still expects it: it then never asks
        for a new size and never draws.
        """
        timer = super().set_timer(delay, callback, name=name, pause=pause)
        timer._skip = False
        return timer

    def request_exit(self) -> None:
        """End everything; when called again, immediately."""
        if self.owner is None:
            self.exit()
            return
        self.owner.request_exit()
        if not self._exiting:
            self._exiting = True
            self.push_screen(ShutdownDialog(self.poller.state, self.clock(), self.glyphs))
            self.poller.poll_soon()

    def manager_ended(self) -> None:
        """Close the dashboard, from any thread."""
        self._call_threadsafe(self.exit)

    def show_warning(self, text: str) -> None:
        """Show a warning, from any thread."""
        self._call_threadsafe(
            partial(self.notify, printable(text), title="", severity="warning", timeout=10, markup=False)
        )

    def _call_threadsafe(self, callback: Callable[[], object]) -> None:
        self._queued_calls.append(callback)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(self._run_queued_calls)

    def _run_queued_calls(self) -> None:
        with self._context():
            while self._queued_calls:
                self._queued_calls.popleft()()

    def on_shutdown_dialog_kill_requested(self) -> None:
        self.request_exit()

    def action_interrupt(self) -> None:
        """Copy the selection; without one, quit on the second press."""
        if text := self.main.pane.selected_text:
            self.main.copy(text)
            self.main.pane.clear_selection()
        elif self._exiting or time.monotonic() - self._interrupted_at < DOUBLE_PRESS_TIMEOUT:
            self.request_exit()
        else:
            self._interrupted_at = time.monotonic()
            does = "detaches" if self.owner is None else "stops everything and quits"
            self.notify(f"Ctrl-C again {does}", timeout=DOUBLE_PRESS_TIMEOUT, markup=False)

    # the rest

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, TooSmall):
            super().action_command_palette()

    def action_palette(self) -> None:
        self.action_command_palette()

    def action_theme(self) -> None:
        place = CYCLE.index(self.theme) if self.theme in CYCLE else -1
        self.theme = CYCLE[(place + 1) % len(CYCLE)]
        self.preferences.remember(theme=self.theme)
        self.notify(f"Theme {self.theme}", timeout=1.5, markup=False)

    def choose_theme(self, name: str) -> None:
        self._theme_before = ""
        self.theme = name
        self.preferences.remember(theme=name)

    @on(CommandPalette.OptionHighlighted)
    def _preview_theme(self, message: CommandPalette.OptionHighlighted) -> None:
        """Show the theme under the cursor of the palette."""
        command = getattr(getattr(message.highlighted_event.option, "hit", None), "command", None)
        if isinstance(command, partial) and command.func == self.choose_theme:
            self._theme_before = self._theme_before or self.theme
            self.theme = command.args[0]
        else:
            self._end_preview()

    @on(CommandPalette.Closed)
    def _end_preview(self) -> None:
        before, self._theme_before = self._theme_before, ""
        if before:
            self.theme = before


def terminal_title(state: DashboardState, glyphs: Glyphs) -> str:
    """Name the project and count what runs and what has a problem."""
    config = state.about.config if state.about else None
    running = sum(row.status is Status.RUNNING for row in state.snapshots)
    problems = sum(map(is_problem, state.snapshots))
    counts = f"{glyphs.status[Status.RUNNING]} {running}" + (f" {glyphs.bad} {problems}" if problems else "")
    return printable(f"pmtui {Path(config).parent.name if config else ''} {counts}")


def freeze_gc() -> None:
    """Exempt what exists now from garbage collection: the worst pause drops from 95 ms to 15-30 ms."""
    gc.collect()
    gc.freeze()
    gc.enable()
