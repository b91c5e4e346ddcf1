"""`pmtui attach` in a terminal: the dashboard over a manager that goes on without it."""

import os
import threading
from collections.abc import Callable

from pmtui.client.discovery import Place
from pmtui.client.remote_control import RemoteControl
from pmtui.control import About
from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.backend.remote_logs import StreamedLogs
from pmtui.dashboard.terminal.signals import leaving_on_signals
from pmtui.dashboard.terminal.state import Terminal

PATIENCE = 3.0
"""Seconds that the dashboard has to close; no terminal is waited for any longer."""


class Visitor:
    """Leaves when a signal says so, even where the terminal keeps the dashboard waiting."""

    def __init__(self, app: DashboardApp, terminal: Terminal) -> None:
        self._app, self._terminal = app, terminal

    def leave(self) -> None:
        self._app.manager_ended()
        late = threading.Timer(PATIENCE, self._break_off)
        late.daemon = True
        late.start()

    def _break_off(self) -> None:
        self._terminal.restore()
        os._exit(0)


def run_attached(locate: Callable[[], Place], about: About) -> int:
    """Shows the manager that `locate` finds until the dashboard is left; the exit code. Nothing ends with it.

    `about` is what the manager has told of itself already.
    """
    terminal = Terminal.now()
    control = RemoteControl(locate)
    app = DashboardApp(control, StreamedLogs(control))
    with leaving_on_signals(Visitor(app, terminal)):
        try:
            app.run()
        finally:
            terminal.restore()
    facts = app.feed.facts
    about = facts.about or about
    goes_on = f"the manager (pid {about.pid}, {about.url}) and its processes go on; 'pmtui down' ends them"
    terminal.say(f"detached: {facts.gone or goes_on}")
    return app.return_code or 0
