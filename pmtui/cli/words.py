"""What an unknown word on the command line is probably meant for: the commands of other tools, typing errors."""

from collections.abc import Sequence

from pmtui.cli.main import COMMANDS

_RUN = "'pmtui' runs all processes in the dashboard, 'pmtui -d' in the background"
_DASHBOARD = "'pmtui' shows the dashboard"
_DELETE = "'pmtui stop ID' stops a process; take it out of the config and run 'pmtui reload' to remove it"
_BOOT = "'pmtui service install' lets systemd run the manager after each boot"
_FLUSH = "log files are rotated by themselves; see log.maxSize and log.keep"
_SCALE = "set instances in the config, then run 'pmtui reload'"

SAME = {
    "add": "run",
    "conf": "config",
    "desc": "info",
    "describe": "info",
    "env": "info",
    "inspect": "info",
    "show": "info",
    "exit": "down",
    "halt": "down",
    "kill": "down",
    "quit": "down",
    "shutdown": "down",
    "terminate": "down",
    "l": "list",
    "ls": "list",
    "st": "list",
    "status": "list",
    "log": "logs",
    "tail": "logs",
    "new": "init",
    "ecosystem": "init",
    "generate": "init",
    "reread": "reload",
    "update": "reload",
    "sendSignal": "signal",
    "lint": "check",
    "test": "check",
    "validate": "check",
    "convert": "import",
}
"""Names that other tools have for these commands."""

ADVICE = {
    "delete": _DELETE,
    "del": _DELETE,
    "rm": _DELETE,
    "up": _RUN,
    "daemon": _RUN,
    "serve": _RUN,
    "dash": _DASHBOARD,
    "dashboard": _DASHBOARD,
    "monit": _DASHBOARD,
    "top": _DASHBOARD,
    "tui": _DASHBOARD,
    "ui": _DASHBOARD,
    "resurrect": _BOOT,
    "save": _BOOT,
    "startup": _BOOT,
    "unstartup": _BOOT,
    "flush": _FLUSH,
    "reloadLogs": _FLUSH,
    "scale": _SCALE,
    "help": "'pmtui --help' lists all commands",
    "version": "'pmtui --version' prints the version",
}
"""What to do here for commands of other tools that have no counterpart."""


def unknown_word(word: str, ids: Sequence[str], *, has_config: bool) -> str:
    """Return the error for a word that is neither a command nor a process."""
    from difflib import get_close_matches

    known = f"processes: {', '.join(ids) or 'none'}" if has_config else "there is no config here"
    if word in COMMANDS:
        return f"'{word}' is a command, which comes first: pmtui {word} ..."
    if advice := ADVICE.get(word):
        return f"no command or process is named '{word}'; {advice} ({known})"
    close = [SAME[word]] if word in SAME else get_close_matches(word, [*COMMANDS, *ids], n=1)
    if not close:
        return f"no process matches '{word}'; {known}"
    meant = f"'pmtui {close[0]}'" if close[0] in COMMANDS else f"'{close[0]}'"
    return f"no command or process is named '{word}'; did you mean {meant}? ({known})"
