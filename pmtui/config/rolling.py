"""Whether two runs of a process can live side by side."""

from pmtui.config.model import ProcessConfig
from pmtui.config.ports import declared_ports


def rolling_obstacle(config: ProcessConfig) -> str:
    """Say what prevents a new run beside the old one; empty if nothing does."""
    ports = declared_ports(config)
    if fixed := next((port for port in ports.values() if port != "auto"), None):
        return f'both runs would want port {fixed}; use sockets or port = "auto"'
    if not ports and not config.sockets:
        return 'both runs would want one address; use sockets or port = "auto"'
    for name, is_set in (
        ("schedule", config.schedule is not None),
        ("tty", config.tty),
        ("stdin", config.stdin != "null"),
        ("detached", config.detached),
        ("stopCommand", config.stop_command is not None),
    ):
        if is_set:
            return f"{name} is for one run at a time"
    return ""
