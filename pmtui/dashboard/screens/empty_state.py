"""What is shown if there are no processes, or no lines of one."""

from rich.text import Text

from pmtui.control import ManagerInfo, Snapshot, Status, explain
from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.styles import Styles

EXAMPLE = """[process.web]
command = "python3 -m http.server 8000"

[process.worker]
script = "worker.py"
"""


def empty_notice(about: ManagerInfo, styles: Styles) -> Text:
    """Say where a config was looked for, and how to begin."""
    text = Text()
    if about.errors:
        return error_notice(about, styles)
    if about.config:
        text.append(f"{about.config} has no processes.\n\n", style=styles["bold"])
    else:
        text.append("No config here yet.\n\n", style=styles["bold"])
        if about.searched:
            text.append("Looked here and in the directories above for\n", style=styles["dim"])
            text.append("".join(f"  {path}\n" for path in about.searched) + "\n", style=styles["text"])
        text.append("pmtui init", style=styles["accent"])
        text.append(" creates one, or write pmtui.toml yourself:\n\n", style=styles["dim"])
    text.append(EXAMPLE, style=styles["text"])
    text.append("\nL", style=styles["accent"])
    text.append(" loads it, ", style=styles["dim"])
    text.append("q", style=styles["accent"])
    text.append(" quits.", style=styles["dim"])
    return text


def error_notice(about: ManagerInfo, styles: Styles) -> Text:
    """List every error of the config with its place."""
    text = Text()
    text.append(f"{about.config or 'The config'} has errors:\n\n", style=styles["bold"])
    for error in about.errors[:20]:
        text.append("  ✖ ", style=styles["bad"])
        text.append(f"{printable(error)}\n", style=styles["text"])
    if len(about.errors) > 20:
        text.append(f"  and {len(about.errors) - 20} more\n", style=styles["dim"])
    text.append("\nL", style=styles["accent"])
    text.append(" reloads it, ", style=styles["dim"])
    text.append("q", style=styles["accent"])
    text.append(" quits.", style=styles["dim"])
    return text


def no_output_text(row: Snapshot) -> str:
    """Say why a process has not written anything, as far as that is known."""
    if row.status is Status.STOPPED and not row.restart_count:
        return "No output yet. Press s to start it."
    why = explain(row)
    if row.status in (Status.WAITING, Status.STARTING):
        return f"No output yet: {why}" if why else "No output yet."
    if row.status in (Status.FAILED, Status.CRASHED, Status.COMPLETED):
        return f"No output: {why}" if why else "No output."
    return "No output yet."
