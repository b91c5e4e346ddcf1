"""The input and the result of an export."""

import msgspec

from pmtui.config.model import ProcessConfig, Settings
from pmtui.config.ports import PLACEHOLDER, declared_ports


class Project(msgspec.Struct, frozen=True):
    """What to export. `directory` is the config's; containers are made from `image`."""

    name: str
    directory: str
    settings: Settings
    processes: tuple[ProcessConfig, ...]
    image: str = ""
    is_user: bool = False

    def ids(self) -> set[str]:
        return {config.id for config in self.processes}


class Exported:
    """Texts by file name; `warnings` has each loss and each step left to the user."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.warnings: list[str] = []

    def warn(self, process: str, text: str) -> None:
        line = f"{process}: {text}" if process else text
        if line not in self.warnings:
            self.warnings.append(line)


def warn_unsupported(config: ProcessConfig, out: Exported, carried: frozenset[str] = frozenset()) -> None:
    """Warn of everything that only pmtui does; `carried` has what this target does too."""
    if config.dev_mode:
        out.warn(config.id, "devMode is lost: nothing is restarted when files change")
    if "auto" in declared_ports(config).values():
        out.warn(config.id, f"port auto is lost: choose one, where the export has {PLACEHOLDER}")
    if config.sockets:
        out.warn(config.id, "sockets is lost: the process gets no listening socket")
    if config.detached:
        out.warn(config.id, "detached is lost: the command has to stay in the foreground")
    if config.tty and "tty" not in carried:
        out.warn(config.id, "tty is lost: the process has no terminal")
    if config.stdin != "null" and not config.tty and "stdin" not in carried:
        out.warn(config.id, "stdin is lost: it is empty")
    if config.stop_command and "stop_command" not in carried:
        out.warn(config.id, "stopCommand is lost: only stopSignal is sent")
    if config.install:
        out.warn(config.id, "install is lost: dependencies have to be there")
    if config.health and config.health.silence is not None:
        out.warn(config.id, "health.silence is lost: output is not watched")
    if config.health and config.health.notify:
        out.warn(config.id, "health.notify is lost: what the process says is not read")
    if config.schedule and "schedule" not in carried:
        out.warn(config.id, f"schedule {config.schedule} is lost: let cron start it")
    if config.restart_after:
        out.warn(config.id, "dependsOn.restart is lost: it is not restarted after another process")
    if config.health and config.health.log is not None:
        out.warn(config.id, "health.log is lost: output is not read")
    if config.log.file is not True or (config.log.max_size, config.log.keep) != (10 << 20, 5):
        out.warn(config.id, "log is lost: the output goes where this engine keeps it")
    for name in ("nofile", "core", "cpu", "address_space", "nice"):
        if getattr(config.limits, name) is not None and name not in carried:
            out.warn(config.id, f"limits.{'as' if name == 'address_space' else name} is lost")
