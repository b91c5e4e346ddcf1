"""What the keys open outside of the dashboard: addresses, the config, a shell."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from textual.app import SuspendNotSupported

from pmtui.config.secrets import MASK
from pmtui.control import ControlError, Detail
from pmtui.dashboard.dialogs.choose import SelectDialog
from pmtui.dashboard.screens.main_base import MainScreenBase
from pmtui.dashboard.table.columns import addresses
from pmtui.dashboard.terminal.foreground import config_line, editor_command, open_in_browser, run_in_foreground


class ReachActions(MainScreenBase):
    """Programs run on this machine, so the config and the shell are those of a manager that runs here."""

    def action_open_url(self) -> None:
        row = self.table.snapshot
        urls = addresses(row) if row else []
        if not urls:
            self.show_message("It listens on no port" if row else "Select a process first")
        elif len(urls) == 1:
            self._open(urls[0])
        else:
            self.app.push_screen(SelectDialog("Open", [(url, url) for url in urls]), self._open)

    def _open(self, url: str | None) -> None:
        if url and not open_in_browser(url):
            self.app.copy_to_clipboard(url)
            self.show_message(f"No graphical browser here; copied {url}")
        elif url:
            self.show_message(f"Opened {url}")

    def action_edit_config(self, line: int = 0) -> None:
        """Open the config at a line, or at the process under the cursor."""
        about = self.dashboard_state.about
        path = Path(about.config) if about and about.config else None
        if path is None or not path.is_file():
            self.show_message("There is no config file here to edit", error=True)
            return
        command = editor_command(path, line or config_line(path.read_text(errors="replace"), self.table.selected or ""))
        if command is None:
            self.show_message("No editor found; set EDITOR", error=True)
            return
        if self._run(command):
            self.show_message("Press L to reload the config")

    def action_shell(self) -> None:
        if self.table.selected is None:
            self.show_message("Select a process first")
        elif self.detaches:
            self.show_message("A shell opens only in the dashboard that runs the manager", error=True)
        else:
            self.run_worker(self._shell(self.table.selected), group="shell")

    async def _shell(self, process_id: str) -> None:
        try:
            detail = await self.control.get(process_id)
        except ControlError as error:
            self.show_message(str(error), error=True)
            return
        env = await self._environment(detail)
        shell = os.environ.get("SHELL") or "/bin/sh"
        banner = f"pmtui: shell of {process_id} in {detail.cwd}; exit returns to the dashboard"
        self._run(["/bin/sh", "-c", 'printf "%s\\n" "$1"; exec "$2"', "sh", banner, shell], Path(detail.cwd), env)

    async def _environment(self, detail: Detail) -> Mapping[str, str]:
        env = dict(detail.env) or dict(os.environ)
        for name in [name for name, value in env.items() if value == MASK]:
            with suppress(ControlError):
                env[name] = await self.control.reveal(detail.id, name)
        return env | {name: os.environ[name] for name in ("TERM", "COLORTERM", "HOME") if name in os.environ}

    def _run(self, command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> bool:
        """Give the terminal to a program until it ends; return whether it could be run."""
        try:
            with self.app.suspend():
                run_in_foreground(command, cwd, env)
        except SuspendNotSupported:
            self.show_message("This terminal cannot be handed to a program", error=True)
            return False
        except OSError as error:
            self.show_message(f"Cannot run {command[0]}: {error.strerror}", error=True)
            return False
        return True
