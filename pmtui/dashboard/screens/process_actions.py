"""What the keys do to processes."""

import re
from collections.abc import Sequence
from pathlib import Path

from pmtui.control import INACTIVE_STATES, ConfigChanges, ControlError, Snapshot, Status
from pmtui.dashboard.dialogs.choose import SelectDialog
from pmtui.dashboard.dialogs.config_errors import ConfigErrors
from pmtui.dashboard.dialogs.confirm import Confirm
from pmtui.dashboard.screens.main_base import MainScreenBase, join_names
from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.statuses import is_problem
from pmtui.dashboard.terminal_view.screen import TerminalScreen

SIGNALS = (
    ("SIGHUP", "usually: reload the configuration"),
    ("SIGUSR1", "defined by the program"),
    ("SIGUSR2", "defined by the program"),
    ("SIGINT", "like Ctrl-C"),
    ("SIGTERM", "asks it to exit; its restart policy applies"),
    ("SIGQUIT", "asks it to exit with a core dump"),
    ("SIGSTOP", "pauses it"),
    ("SIGCONT", "resumes it"),
    ("SIGKILL", "kills it; its restart policy applies"),
)

ROLLING = "rolling"


class ProcessActions(MainScreenBase):
    """Every action applies to the processes that were shown when its key was pressed."""

    def action_restart(self) -> None:
        ids = self.table.chosen
        if len(ids) > 1:
            self._confirm_restart(ids)
        else:
            self.operate("Restarting", ids, self.control.restart)

    def action_toggle_running(self) -> None:
        ids = self.table.chosen
        if self.all_inactive:
            self.operate("Starting", ids, self.control.start)
        else:
            self.run_worker(self._stop(ids), group="stop", exclusive=True)

    async def _stop(self, ids: Sequence[str]) -> None:
        """Stop processes; ask first if that affects more than the one under the cursor."""
        dependents = await self._active_dependents(ids)
        if len(ids) == 1 and not dependents:
            self.operate("Stopping", ids, self.control.stop)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.operate("Stopping", ids, self.control.stop)

        needed = f"{join_names(dependents)} {'depends' if len(dependents) == 1 else 'depend'} on it.\n\n"
        text = (needed if dependents else "") + self._describe_processes(ids)
        self.app.push_screen(Confirm(f"Stop {join_names(ids)}?", text, "Stop"), answered)

    async def _active_dependents(self, ids: Sequence[str]) -> Sequence[str]:
        active = {row.id for row in self.dashboard_state.snapshots if row.status not in INACTIVE_STATES}
        try:
            graph = await self.control.graph()
        except ControlError:
            return []
        needing = [edge.from_ for edge in graph.edges if edge.to in ids and edge.from_ not in ids]
        return [name for name in dict.fromkeys(needing) if name in active]

    @property
    def all_inactive(self) -> bool:
        """Return whether none of the chosen processes runs or is about to."""
        chosen = {*self.table.chosen}
        return all(row.status in INACTIVE_STATES for row in self.dashboard_state.snapshots if row.id in chosen)

    @property
    def all_scheduled(self) -> bool:
        """Return whether all of the chosen processes are jobs that wait for their time."""
        chosen = {*self.table.chosen}
        rows = [row for row in self.dashboard_state.snapshots if row.id in chosen]
        return bool(rows) and all(row.status is Status.SCHEDULED for row in rows)

    def action_mark(self) -> None:
        self.table.toggle_mark()
        self.label_keys()

    def action_terminal(self) -> None:
        if process_id := self.table.selected:

            def find_row() -> Snapshot | None:
                rows = self.dashboard_state.snapshots
                return next((row for row in rows if row.id == process_id), None)

            if self.detaches:  # the log comes over the network, and is covered meanwhile
                self.logs.lines_of(())
            self.app.push_screen(TerminalScreen(self.control, process_id, self.glyphs, find_row), self._left_terminal)

    def _left_terminal(self, _: None) -> None:
        if self.detaches:
            self.show_log()

    def action_kill(self) -> None:
        ids = self.table.chosen

        def answered(yes: bool | None) -> None:
            if yes:
                self.operate("Killing", ids, self.control.kill)

        text = f"{self._describe_processes(ids)}\n\nThe whole process tree is killed immediately\nand stays stopped."
        self.app.push_screen(Confirm(f"Kill {join_names(ids)}?", text, "Kill"), answered)

    def action_signal(self) -> None:
        ids = self.table.chosen

        def answered(name: str | None) -> None:
            if name:
                self.operate(f"{name} sent to", ids, lambda process_id: self.control.signal(process_id, name))

        choices = [(name, f"{name:<8}  {meaning}") for name, meaning in SIGNALS]
        self.app.push_screen(SelectDialog(f"Signal for {join_names(ids)}", choices), answered)

    def action_restart_menu(self) -> None:
        rows = self.dashboard_state.snapshots
        failed = [row.id for row in rows if row.status is Status.FAILED]
        problems = [row.id for row in rows if is_problem(row)]
        offers = {"failed": ("All failed", failed), "problems": ("All with problems", problems)}
        for group in dict.fromkeys(row.group for row in rows if row.group):
            offers[f"@{group}"] = (f"Group {group}", [row.id for row in rows if row.group == group])
        offers["all"] = ("All", [row.id for row in rows])
        offers[ROLLING] = (f"Rolling: {join_names(self.table.chosen)}", [*self.table.chosen])
        choices = [(key, f"{label}  ({len(ids)})") for key, (label, ids) in offers.items() if ids]

        def answered(key: str | None) -> None:
            if key == ROLLING:
                self.operate("Restarting", offers[key][1], self.control.roll)
            elif key:
                self._confirm_restart(offers[key][1])

        self.app.push_screen(SelectDialog("Restart", choices), answered)

    def _confirm_restart(self, ids: Sequence[str]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.operate("Restarting", ids, self.control.restart)

        self.app.push_screen(Confirm(f"Restart {len(ids)}?", self._describe_processes(ids), "Restart"), answered)

    def action_clear_logs(self) -> None:
        ids = self.table.chosen

        def answered(yes: bool | None) -> None:
            if yes:
                self.operate("Cleared the logs of", ids, self.control.clear_logs)

        text = f"This deletes all lines of {join_names(ids)},\nin memory and on disk."
        self.app.push_screen(Confirm(f"Clear the logs of {join_names(ids)}?", text, "Clear"), answered)

    def action_reload(self) -> None:
        self.run_worker(self._reload(), group="reload", exclusive=True)

    async def _reload(self) -> None:
        self.app.clear_notifications()
        try:
            changes = await self.control.preview()
        except ControlError as error:
            self.show_message(str(error), error=True)
            return
        if changes.errors:
            self._show_errors(changes.errors)
        elif not (changes.added or changes.removed or changes.changed):
            self._report_unchanged()
        else:
            self.app.push_screen(Confirm("Reload the config?", format_changes(changes), "Reload"), self._confirm_reload)

    def _show_errors(self, errors: Sequence[str]) -> None:
        async def answered(action: str | None) -> None:
            if action:
                await self.run_action(f"edit_config({line_of_error(errors[0])})" if action == "edit_config" else action)

        lines = [f"{self.glyphs.bad} {printable(error)}" for error in errors]
        keys = {action.id: action.key for action in self.actions}
        dot = self.glyphs.dot
        hint = f"{keys['edit_config']} edits {dot} {keys['reload']} reloads {dot} Esc closes"
        self.app.push_screen(ConfigErrors("\n".join([*lines, "", "Nothing has changed."]), hint), answered)

    def _report_unchanged(self) -> None:
        about = self.dashboard_state.about
        if about and about.errors:
            self._confirm_reload(True)
        elif about and about.config is None:
            folder = Path(about.searched[0]).parent if about.searched else "this directory"
            self.show_message(f"There is still no config in {folder}")
        else:
            self.show_message("The config has not changed")

    def _confirm_reload(self, yes: bool | None) -> None:
        async def reload(_: str) -> None:
            await self.control.reload()

        if yes:
            self.operate("Reloaded", ["the config"], reload)

    def _describe_processes(self, ids: Sequence[str], most: int = 12) -> str:
        known: dict[str, Snapshot] = {row.id: row for row in self.dashboard_state.snapshots}
        lines = [
            f"{known[i].id}  {known[i].status}, pid {known[i].pid}" if known[i].pid else i for i in ids if i in known
        ]
        more = [f"and {len(lines) - most} more"] if len(lines) > most else []
        return "\n".join(lines[:most] + more)


def line_of_error(error: str) -> int:
    """Return the line that an error of the config names, or 0."""
    named = re.search(r":(\d+):\d+: ", error)
    return int(named[1]) if named else 0


def format_changes(changes: ConfigChanges) -> str:
    """Describe what a reload would do, one line per process."""
    lines = [f"+ {name}  new" for name in changes.added]
    lines += [f"~ {name}  changed; restarted if it is running" for name in changes.changed]
    lines += [f"- {name}  removed; it is stopped" for name in changes.removed]
    lines.append(f"  {len(changes.unchanged)} unchanged")
    lines += [f"  {note}" for note in changes.notes]
    return "\n".join(lines)
