"""`pmtui attach` in a terminal: the dashboard over a manager that goes on without it."""

import os
import threading
from collections.abc import Callable

from pmtui.client.discovery import ManagerAddress
from pmtui.client.remote_control import RemoteControl
from pmtui.control import ManagerInfo
from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.backend.remote_logs import RemoteLogs
from pmtui.dashboard.terminal.signals import exit_on_signals
from pmtui.dashboard.terminal.state import Terminal

EXIT_TIMEOUT = 3.0
"""Seconds that the dashboard has to close; no terminal is waited for any longer."""


class AttachSession:
    """Leaves when a signal says so, even where the terminal keeps the dashboard waiting."""

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
    """Shows the manager that `locate` finds until the dashboard is left; the exit code. Nothing ends with it.

    `about` is what the manager has told of itself already.
    """
    terminal = Terminal.current()
    control = RemoteControl(locate)
    app = DashboardApp(control, RemoteLogs(control))
    with exit_on_signals(AttachSession(app, terminal)):
        try:
            app.run()
        finally:
            terminal.restore()
    facts = app.poller.state
    about = facts.about or about
    goes_on = f"the manager (pid {about.pid}, {about.url}) and its processes go on; 'pmtui down' ends them"
    terminal.print_line(f"detached: {facts.connection_error or goes_on}")
    return app.return_code or 0
