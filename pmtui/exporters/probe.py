"""Express health checks as commands available on any machine."""

import shlex

from pmtui.config.model import Health


def probe_command(health: Health) -> str | None:
    """Return a shell command that exits with 0 if the process is healthy; None if no command can tell."""
    patience = max(1, round(health.timeout))
    if health.http is not None:
        url, insecure = shlex.quote(health.http), "" if health.verify else "k"
        return f"curl -fsS{insecure} -o /dev/null --max-time {patience} {url}"
    if health.tcp is not None:
        host, _, port = health.tcp.rpartition(":")
        inner = f": < /dev/tcp/{host.strip('[]')}/{port}"
        return f"timeout {patience} bash -c {shlex.quote(inner)}"
    if health.command is not None:
        return f"timeout {patience} {shlex.join(health.command)}"
    if health.file is not None:
        return f"test -e {shlex.quote(health.file)}"
    return None
