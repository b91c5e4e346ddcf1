"""The shell of a project of process-compose."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pmtui.importers.builder import ConfigBuilder, table
from pmtui.importers.shell_words import shell_fields


class Shell(msgspec.Struct, frozen=True):
    """Runs the commands of a project, as `program option command`."""

    program: str
    option: str

    def argv(self, command: str) -> list[str]:
        return [self.program, self.option, command]

    def fields(self, command: str) -> dict[str, Any]:
        """Return our fields for a command; without the shell if nothing in it needs one."""
        if self.option == "-c":
            return shell_fields(command, self.program)
        return {"command": self.program, "args": [self.option, command]}


def project_shell(draft: ConfigBuilder, values: Mapping[str, Any]) -> Shell:
    given = table(values.get("shell"))
    if given.get("shell_command"):
        draft.add_note("", "shell", "command, args", "where a command needs a shell")
    usual = draft.context.environment.get("COMPOSE_SHELL") or "bash"
    return Shell(str(given.get("shell_command") or usual), str(given.get("shell_argument") or "-c"))
