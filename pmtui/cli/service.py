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
    )
    add_config(command)
    add_profile(command)
    command.add_argument("what", choices=("install", "uninstall"), help="uninstall also stops the manager")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="install a user unit (default, except for root)")
    where.add_argument("--system", action="store_true", help="install a system unit (default for root)")
    command.add_argument("--name", help="name of the unit (default: pmtui-DIRECTORY)")
    command.add_argument("--dry-run", action="store_true", help="print the unit and the commands, and do nothing")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    config, loaded = require_config(options.config, profiles_of(options))
    is_user = options.user or not (options.system or os.geteuid() == 0)
    path = (user_units() if is_user else SYSTEM_UNITS) / f"{options.name or default_name(config)}.service"
    try:
        if options.what == "install":
            return install(path, unit_text(loaded, is_user, profiles_of(options)), is_user, options.dry_run)
        return uninstall(path, is_user, options.dry_run)
    except OSError as error:
        return fail(f"{error.filename or path}: {error.strerror}", FAILURE)


def user_units() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def default_name(config: Path) -> str:
    from pmtui.exporters.systemd_escape import unit_name

    folder = config.parent.parent if config.parent.name == "pb_data" else config.parent
    return unit_name(f"pmtui-{folder.name or 'root'}")


def install(path: Path, text: str, is_user: bool, is_dry: bool) -> int:
    """Write the unit if it has changed, and start it. Refuses to replace a unit that pmtui has not written."""
    try:
        there = path.read_text(errors="replace")
    except FileNotFoundError:
        there = None
    if there is not None and not there.startswith(MARK):
        return fail(f"{path} was not written by pmtui; choose another --name", FAILURE)
    steps = [["daemon-reload"], ["enable", "--now", path.name], *([["restart", path.name]] if there else [])]
    if is_dry:
        sys.stdout.write(f"{text}\n# {path}\n")
        sys.stdout.writelines(f"# {' '.join(systemctl(step, is_user))}\n" for step in steps)
        return DONE
    if there == text:
        sys.stdout.write(f"{path} is up to date\n")
        return run_steps([["enable", "--now", path.name]], is_user)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text, SHARED_MODE)
    sys.stdout.write(f"wrote {path}\n")
    return run_steps(steps, is_user)


def uninstall(path: Path, is_user: bool, is_dry: bool) -> int:
    """Stop the manager with all its processes, and remove the unit."""
    if not path.exists():
        sys.stdout.write(f"{path} does not exist; nothing to do\n")
        return DONE
    if not path.read_text(errors="replace").startswith(MARK):
        return fail(f"{path} was not written by pmtui; check --name", FAILURE)
    stop, reload = ["disable", "--now", path.name], ["daemon-reload"]
    if is_dry:
        steps = [systemctl(stop, is_user), ["rm", str(path)], systemctl(reload, is_user)]
        sys.stdout.writelines(f"# {' '.join(step)}\n" for step in steps)
        return DONE
    code = run_steps([stop], is_user)
    path.unlink()
    sys.stdout.write(f"removed {path}\n")
    return run_steps([reload], is_user) or code


def systemctl(words: list[str], is_user: bool) -> list[str]:
    return ["systemctl", *(["--user"] if is_user else []), *words]


def run_steps(steps: Sequence[list[str]], is_user: bool) -> int:
    """Run systemctl step by step; report the first failure and the commands that are left to run by hand."""
    for index, step in enumerate(steps):
        words = systemctl(step, is_user)
        problem = run_command(words)
        if problem:
            left = "; ".join(" ".join(systemctl(step, is_user)) for step in steps[index:])
            return fail(f"{problem}; left to do: {left}", FAILURE)
        sys.stdout.write(f"{' '.join(words)}: done\n")
    return DONE


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
