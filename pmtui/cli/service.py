"""`pmtui service`: run the manager as a systemd service."""

import argparse
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import DONE, FAILURE, add_config, add_profile, command_parser, fail, profiles_of, require_config
from pmtui.cli.output import as_json
from pmtui.runtime.files import SHARED_MODE, write_atomic

if TYPE_CHECKING:
    from pmtui.config.load import Loaded

SYSTEM_UNITS = Path("/etc/systemd/system")
MARK = "# Made by pmtui service install."
COMMAND_TIMEOUT = 120.0
STOP_MARGIN = 15
"""Seconds that the manager has beyond the longest stopTimeout."""
NETWORK = "Wants=network-online.target\nAfter=network-online.target\n"
UNIT = f"""\
{MARK}
[Unit]
Description=pmtui: the processes of {{config}}
{{network}}
[Service]
Type=notify
NotifyAccess=main
WatchdogSec=60
ExecStart={{command}}
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory={{directory}}
Environment={{path}}
{{user}}Restart=on-failure
RestartSec=2
# The manager stops its processes itself, in order; systemd kills only what remains.
KillMode=mixed
TimeoutStopSec={{stop}}
TimeoutStartSec=120

[Install]
WantedBy={{target}}
"""


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "service",
        "Let systemd run the manager of this config, from now on and after each boot (--system) or login (--user; also "
        "without a login after `loginctl enable-linger`). Install again after a change; an up-to-date unit is left "
        "alone.",
        "pmtui service install --dry-run       show what would be written",
        "sudo pmtui service install --system",
        "pmtui service uninstall",
        codes="exit codes: 0 done, 1 a file or systemctl failed, 2 bad usage or config",
    )
    add_config(command)
    add_profile(command)
    command.add_argument("what", choices=("install", "uninstall"), help="uninstall also stops the manager")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="install a user unit (default, except for root)")
    where.add_argument("--system", action="store_true", help="install a system unit (default for root)")
    command.add_argument("--name", help="name of the unit (default: pmtui-DIRECTORY)")
    command.add_argument("--dry-run", action="store_true", help="print the unit and the commands, and do nothing")
    command.add_argument("--json", action="store_true", help="print an object: unit, text, changed, commands, left")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    config, loaded = require_config(options.config, profiles_of(options))
    is_user = options.user or not (options.system or os.geteuid() == 0)
    path = (user_units() if is_user else SYSTEM_UNITS) / f"{options.name or default_name(config)}.service"
    change = Change(path, is_user, is_dry=options.dry_run, is_quiet=options.json)
    try:
        if options.what == "install":
            code = install(change, unit_text(loaded, is_user, profiles_of(options)))
        else:
            code = uninstall(change)
    except OSError as error:
        return fail(f"{error.filename or path}: {error.strerror}", FAILURE)
    if options.json:
        sys.stdout.write(as_json(change.described()) + "\n")
    return code


class Change:
    """What is done to a unit: reports it line by line, unless quiet, and remembers it for programs."""

    def __init__(self, path: Path, is_user: bool, *, is_dry: bool, is_quiet: bool) -> None:
        self.path, self.is_user, self.is_dry, self._is_quiet = path, is_user, is_dry, is_quiet
        self.text: str | None = None
        self.has_changed = False
        self.commands: list[str] = []
        self.left: list[str] = []

    def say(self, line: str) -> None:
        if not self._is_quiet:
            sys.stdout.write(f"{line}\n")

    def described(self) -> dict[str, object]:
        facts = {"unit": str(self.path), "text": self.text, "changed": self.has_changed, "dryRun": self.is_dry}
        return facts | {"commands": self.commands, "left": self.left}

    def plan(self, steps: Sequence[list[str]]) -> int:
        """Show the commands that would be run."""
        self.commands = [" ".join(step) for step in steps]
        for command in self.commands:
            self.say(f"# {command}")
        return DONE

    def run_steps(self, steps: Sequence[list[str]]) -> int:
        """Run systemctl step by step; report the first failure and the commands that are left to run by hand."""
        for index, step in enumerate(steps):
            words = systemctl(step, self.is_user)
            problem = run_command(words)
            if problem:
                self.left = [" ".join(systemctl(step, self.is_user)) for step in steps[index:]]
                return fail(f"{problem}; left to do: {'; '.join(self.left)}", FAILURE)
            self.commands.append(" ".join(words))
            self.say(f"{' '.join(words)}: done")
        return DONE


def user_units() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def default_name(config: Path) -> str:
    from pmtui.exporters.systemd_escape import unit_name

    folder = config.parent.parent if config.parent.name == "pb_data" else config.parent
    return unit_name(f"pmtui-{folder.name or 'root'}")


def install(change: Change, text: str) -> int:
    """Write the unit if it has changed, and start it. Refuses to replace a unit that pmtui has not written."""
    path = change.path
    try:
        there = path.read_text(errors="replace")
    except FileNotFoundError:
        there = None
    if there is not None and not there.startswith(MARK):
        return fail(f"{path} was not written by pmtui; choose another --name", FAILURE)
    change.text, change.has_changed = text, there != text
    steps = [["daemon-reload"], ["enable", "--now", path.name], *([["restart", path.name]] if there else [])]
    if change.is_dry:
        change.say(f"{text}\n# {path}")
        return change.plan([systemctl(step, change.is_user) for step in steps])
    if there == text:
        change.say(f"{path} is up to date")
        return change.run_steps([["enable", "--now", path.name]])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text, SHARED_MODE)
    change.say(f"wrote {path}")
    return change.run_steps(steps)


def uninstall(change: Change) -> int:
    """Stop the manager with all its processes, and remove the unit."""
    path = change.path
    if not path.exists():
        change.say(f"{path} does not exist; nothing to do")
        return DONE
    if not path.read_text(errors="replace").startswith(MARK):
        return fail(f"{path} was not written by pmtui; check --name", FAILURE)
    change.has_changed = True
    stop, reload = ["disable", "--now", path.name], ["daemon-reload"]
    if change.is_dry:
        return change.plan([systemctl(stop, change.is_user), ["rm", str(path)], systemctl(reload, change.is_user)])
    code = change.run_steps([stop])
    path.unlink()
    change.say(f"removed {path}")
    return change.run_steps([reload]) or code


def systemctl(words: list[str], is_user: bool) -> list[str]:
    return ["systemctl", *(["--user"] if is_user else []), *words]


def run_command(words: list[str]) -> str:
    if shutil.which(words[0]) is None:
        return f"{words[0]} is not installed"
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"{' '.join(words)} did not finish within {COMMAND_TIMEOUT:g} s"
    return f"{' '.join(words)} failed: {''.join(done.stderr.strip().splitlines()[-1:])}" if done.returncode else ""


def unit_text(loaded: "Loaded", is_user: bool, profiles: Sequence[str] = ()) -> str:
    """Return the unit. It is active once all processes are started, and restarted if the manager hangs."""
    from pmtui.exporters.systemd_escape import assignment, command_line, path_value

    assert loaded.path
    owner = None if is_user else service_user(loaded)
    argv = [sys.executable, "-P", "-m", "pmtui", "--no-ui", "-c", str(loaded.path)]
    argv += [word for name in profiles for word in ("--profile", name)]
    return UNIT.format(
        config=path_value(str(loaded.path)),
        network="" if is_user else NETWORK,
        command=command_line(argv),
        directory=path_value(str(loaded.path.parent)),
        path=assignment("PATH", os.environ.get("PATH", os.defpath)),
        user=f"User={owner}\n" if owner else "",
        stop=int(max((config.stop_timeout for config in loaded.processes), default=5.0)) + STOP_MARGIN,
        target="default.target" if is_user else "multi-user.target",
    )


def service_user(loaded: "Loaded") -> str | None:
    """Return the owner of the config; None (root) if processes have their own users."""
    assert loaded.path
    owner = loaded.path.stat().st_uid
    if owner == 0 or any(config.user for config in loaded.processes):
        return None
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)
