"""What is shown where there are no processes to show."""

from rich.text import Text

from pmtui.control import ManagerInfo
from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.styles import Styles

EXAMPLE = """[process.web]
command = "python -m http.server 8000"

[process.worker]
script = "worker.py"
"""


def empty_notice(about: ManagerInfo, look: Styles) -> Text:
    """No process: where a config was looked for, and how to begin."""
    text = Text()
    if about.errors:
        return error_notice(about, look)
    if about.config:
        text.append(f"{about.config} names no process.\n\n", style=look["bold"])
    else:
        text.append("No config here yet.\n\n", style=look["bold"])
        if about.searched:
            text.append("Looked for\n", style=look["dim"])
            text.append("".join(f"  {path}\n" for path in about.searched) + "\n", style=look["text"])
        text.append("pmtui init", style=look["accent"])
        text.append(" makes one, or write pmtui.toml yourself:\n\n", style=look["dim"])
    text.append(EXAMPLE, style=look["text"])
    text.append("\nL", style=look["accent"])
    text.append(" reads it, ", style=look["dim"])
    text.append("q", style=look["accent"])
    text.append(" leaves.", style=look["dim"])
    return text


def error_notice(about: ManagerInfo, look: Styles) -> Text:
    """A config that cannot be read: every error with its place."""
    text = Text()
    text.append(f"{about.config or 'The config'} cannot be used as it is:\n\n", style=look["bold"])
    for error in about.errors[:20]:
        text.append("  ✖ ", style=look["bad"])
        text.append(f"{printable(error)}\n", style=look["text"])
    if len(about.errors) > 20:
        text.append(f"  and {len(about.errors) - 20} more\n", style=look["dim"])
    text.append("\nL", style=look["accent"])
    text.append(" reads it again, ", style=look["dim"])
    text.append("q", style=look["accent"])
    text.append(" leaves.", style=look["dim"])
    return text
