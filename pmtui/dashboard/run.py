"""`pmtui` in a terminal: the manager and its dashboard."""

from collections.abc import Callable

from pmtui.dashboard.backend.manager_thread import ManagerThread
from pmtui.dashboard.terminal.signals import exit_on_signals
from pmtui.dashboard.terminal.state import Terminal
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.supervisor.reload import ConfigSource


def run_dashboard(
    source: ConfigSource, boot: GuardianLauncher, has_api: bool = True, start_again: Callable[[], int] | None = None
) -> int:
    """Run the configured processes until the dashboard is left; return the exit code.

    `start_again` starts the same config in the background and returns its exit code; without it, that is not offered.
    Raises StartError before anything is started. However the dashboard ends, all processes end and the terminal is
    restored.
    """
    terminal = Terminal.current()
    manager = ManagerThread(source, boot, terminal, has_api=has_api)
    with exit_on_signals(manager):
        if boot.received_signals:
            manager.request_exit()
        manager.start()
        try:
            from pmtui.dashboard.app import DashboardApp  # loading Textual takes 200 ms, in which the processes start
            from pmtui.dashboard.preferences import load_preferences

            app = DashboardApp(
                manager.control,
                manager,
                manager,
                can_start_again=start_again is not None,
                preferences=load_preferences(),
            )
            manager.set_callbacks(app.show_warning, app.manager_ended)
            app.run()
        finally:
            manager.close()
            terminal.restore()
            terminal.flush()
    terminal.print_line(manager.summary)
    return start_again() if start_again and app.starts_again else app.return_code or 0
