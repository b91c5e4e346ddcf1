"""Read Procfiles, as foreman and honcho do, with the .env beside them."""

import os
import re

from pmtui.config.envfile import env_file_values
from pmtui.config.model import ConfigError
from pmtui.importers.builder import ConfigBuilder, ImportContext, Imported, ProcessBuilder, UnsupportedFileError
from pmtui.importers.dotenv import foreman_values, honcho_values, report_differences
from pmtui.importers.shell_words import shell_fields

FIRST_PORT = 5000
PORT_STEP = 100
_NAME_OF_FOREMAN, _NAME_OF_HONCHO = "PS", "HONCHO_PROCESS_NAME"
_OPTIONS = (".foreman", ".overmind.env")
_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")


def read_procfile(text: str, origin: ImportContext) -> Imported:
    """Raises UnsupportedFileError if one name stands for two processes, as honcho and overmind do."""
    draft = ConfigBuilder(origin)
    lines_of: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        found = _LINE.fullmatch(line)
        if found is None:
            if line.startswith("-f "):
                draft.add_loss("", f"line {number}", "overmind reads that Procfile too: import it on its own")
            elif line.strip() and not line.lstrip().startswith("#"):
                draft.add_loss("", f"line {number}", "is not `name: command`; foreman and honcho pass over it too")
            continue
        label, command = found.groups()
        if label in lines_of:
            raise UnsupportedFileError(f"{label} is there twice: lines {lines_of[label]} and {number}")
        lines_of[label] = number
        _process(draft.add_process(label, {}), label, command, origin)
    _environment(draft, origin)
    for name in _OPTIONS:
        if os.path.lexists(os.path.join(origin.source, name)):
            draft.add_loss("", name, "its options are not read: how many of a process run, ports, more env files")
    return draft.build("Procfile")


def _process(entry: ProcessBuilder, label: str, command: str, origin: ImportContext) -> None:
    entry.set_fields("command", "", **shell_fields(command, "/bin/sh"))
    if origin.source != origin.target:
        entry.set_fields("folder of the Procfile", cwd=origin.source)
    if label == "release":
        entry.set_fields(
            "release", "runs once; let the others depend on it (succeeded) if they need it", restart="never"
        )
    else:
        reason = "is started again; foreman and honcho end all when one ends, pmtui --no-ui --exit-with ID for one"
        entry.add_remark("end of the process", reason)
    for name, value in ((_NAME_OF_FOREMAN, f"{label}.1"), (_NAME_OF_HONCHO, f"{label}.1")):
        if re.search(rf"\$\{{?{name}\b", command):
            entry.fields.setdefault("env", {})[name] = value
            entry.add_remark(name, "set as foreman and honcho do")


def _environment(draft: ConfigBuilder, origin: ImportContext) -> None:
    path = os.path.join(origin.source, ".env")
    first = _port(origin.environment.get("PORT", "")) or FIRST_PORT
    if os.path.lexists(path):
        first = _env_file(draft, path) or first
    for index, entry in enumerate(draft.processes.values()):
        env = entry.fields.get("env", {}) | {"PORT": str(first + PORT_STEP * index)}
        entry.set_fields("PORT", "the one that foreman and honcho give", env=env)


def _env_file(draft: ConfigBuilder, path: str) -> int | None:
    """Add the .env to all processes; return the port that it sets."""
    try:
        ours = env_file_values(path, draft.context.environment)
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
        report_differences(draft, path, {"foreman": foreman_values(text), "honcho": honcho_values(text)})
    except ConfigError as error:
        draft.add_loss("", ".env", f"cannot be read, and no process gets it: {error}")
        return None
    for entry in draft.processes.values():
        entry.fields["envFile"] = [draft.context.path(".env")]
    draft.add_note(
        "", ".env", "envFile", "read again at each start, by the rules of godotenv (overmind, process-compose)"
    )
    return _port(ours.get("PORT", ""))


def _port(text: str) -> int | None:
    return int(text) if text.isdecimal() and 0 < int(text) < 60000 else None
