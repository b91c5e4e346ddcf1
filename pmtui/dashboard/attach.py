"""`pmtui attach` in a terminal: the dashboard of a manager that outlives it."""

import os
import threading
from collections.abc import Callable

from pmtui.client.discovery import ManagerAddress
from pmtui.client.remote_control import RemoteControl
from pmtui.control import ManagerInfo
from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.backend.remote_logs import RemoteLogs
from pmtui.dashboard.preferences import load_preferences
from pmtui.dashboard.terminal.signals import exit_on_signals
from pmtui.dashboard.terminal.state import Terminal
from pmtui.runtime.terminal_guard import guarded_terminal

EXIT_TIMEOUT = 3.0
"""Seconds the dashboard has to close, even if the terminal does not read."""


class AttachSession:
    """Leave on a signal, even while the terminal blocks the dashboard."""

    def __init__(self, app: DashboardApp, terminal: Terminal) -> None:
        self._app, self._terminal = app, terminal

    def request_exit(self) -> None:
        self._app.manager_ended()
        late = threading.Timer(EXIT_TIMEOUT, self._abort)
        late.daemon = True
        late.start()

    def _abort(self) -> None:
        self._terminal.restore()
        os._exit(0)


def run_attached(locate: Callable[[], ManagerAddress], about: ManagerInfo) -> int:
    """Show the manager that `locate` finds until the dashboard is left; return the exit code.

    `about` is what the manager has already reported about itself.
    """
    terminal = Terminal.current()
    control = RemoteControl(locate)
    app = DashboardApp(control, RemoteLogs(control), preferences=load_preferences())
    with guarded_terminal(terminal.screen), exit_on_signals(AttachSession(app, terminal)):
        try:
            app.run()
        finally:
            terminal.restore()
            terminal.flush()
    state = app.poller.state
    about = state.about or about
    goes_on = f"the manager (pid {about.pid}, {about.url}) keeps running; 'pmtui down' stops it"
    terminal.print_line(f"detached: {state.connection_error or goes_on}")
    return app.return_code or 0
