"""`pmtui service`: the manager itself as a unit of systemd."""

import argparse
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import DONE, FAILURE, add_config, command_parser, fail, require_config
from pmtui.runtime.files import SHARED_MODE, write_atomic

if TYPE_CHECKING:
    from pmtui.config.load import Loaded

SYSTEM_UNITS = Path("/etc/systemd/system")
MARK = "# Made by pmtui service install."
COMMAND_TIMEOUT = 120.0


def parser() -> argparse.ArgumentParser:
    made = command_parser(
        "service",
        "Makes systemd run the manager of this config: from now on and after each boot (--system) or login (--user; "
        "before it too after `loginctl enable-linger`). Install again after a change: what is as it should be is left "
        "alone.",
        "pmtui service install --dry-run       what it would write",
        "sudo pmtui service install --system",
        "pmtui service uninstall",
    )
    add_config(made)
    made.add_argument("what", choices=("install", "uninstall"))
    where = made.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="a unit of your own (so for all but root)")
    where.add_argument("--system", action="store_true", help="a unit of the machine (so for root)")
    made.add_argument("--name", help="of the unit (pmtui-FOLDER)")
    made.add_argument("--dry-run", action="store_true", help="print the unit and what would be run, and do nothing")
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    config, loaded = require_config(options.config)
    is_user = options.user or not (options.system or os.geteuid() == 0)
    path = (user_units() if is_user else SYSTEM_UNITS) / f"{options.name or default_name(config)}.service"
    try:
        if options.what == "install":
            return install(path, unit_text(loaded, is_user), is_user, options.dry_run)
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
    """Writes the unit where it is not there or another, and starts it. Refuses a unit that is not ours."""
    try:
        there = path.read_text(errors="replace")
    except FileNotFoundError:
        there = None
    if there is not None and not there.startswith(MARK):
        return fail(f"{path} is not pmtui's, and is left alone: give another --name", FAILURE)
    steps = [["daemon-reload"], ["enable", "--now", path.name], *([["restart", path.name]] if there else [])]
    if is_dry:
        sys.stdout.write(f"{text}\n# {path}\n")
        sys.stdout.writelines(f"# {' '.join(systemctl(step, is_user))}\n" for step in steps)
        return DONE
    if there == text:
        sys.stdout.write(f"{path} is as it should be\n")
        return run_steps([["enable", "--now", path.name]], is_user)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text, SHARED_MODE)
    sys.stdout.write(f"{path} is written\n")
    return run_steps(steps, is_user)


def uninstall(path: Path, is_user: bool, is_dry: bool) -> int:
    """Stops the manager, with all its processes, and takes the unit away."""
    if not path.exists():
        sys.stdout.write(f"{path} is not there: nothing to do\n")
        return DONE
    if not path.read_text(errors="replace").startswith(MARK):
        return fail(f"{path} is not pmtui's, and is left alone", FAILURE)
    stop, reload = ["disable", "--now", path.name], ["daemon-reload"]
    if is_dry:
        steps = [systemctl(stop, is_user), ["rm", str(path)], systemctl(reload, is_user)]
        sys.stdout.writelines(f"# {' '.join(step)}\n" for step in steps)
        return DONE
    code = run_steps([stop], is_user)
    path.unlink()
    sys.stdout.write(f"{path} is removed\n")
    return run_steps([reload], is_user) or code


def systemctl(words: list[str], is_user: bool) -> list[str]:
    return ["systemctl", *(["--user"] if is_user else []), *words]


def run_steps(steps: Sequence[list[str]], is_user: bool) -> int:
    """Runs systemctl step by step; the first failure is told, with what is left to do by hand."""
    for index, step in enumerate(steps):
        words = systemctl(step, is_user)
        problem = run_command(words)
        if problem:
            left = "; ".join(" ".join(systemctl(step, is_user)) for step in steps[index:])
            return fail(f"{problem}. Left to do: {left}", FAILURE)
        sys.stdout.write(f"{' '.join(words)}: done\n")
    return DONE


def run_command(words: list[str]) -> str:
    if shutil.which(words[0]) is None:
        return f"there is no {words[0]} here"
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"{' '.join(words)} does not come to an end"
    return f"{' '.join(words)} failed: {done.stderr.strip().splitlines()[-1:]}" if done.returncode else ""


def unit_text(loaded: "Loaded", is_user: bool) -> str:
    """The text of the unit. It is up when all is started; a manager that hangs is replaced."""
    from pmtui.exporters.systemd_escape import assignment, command_line, path_value

    assert loaded.path
    longest = max((config.stop_timeout for config in loaded.processes), default=5.0)
    argv = [sys.executable, "-P", "-m", "pmtui", "--no-ui", "-c", str(loaded.path)]
    owner = service_user(loaded) if not is_user else None
    lines = [
        MARK,
        "[Unit]",
        f"Description=pmtui: the processes of {path_value(str(loaded.path))}",
        *([] if is_user else ["Wants=network-online.target", "After=network-online.target"]),
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        "WatchdogSec=60",
        f"ExecStart={command_line(argv)}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        f"WorkingDirectory={path_value(str(loaded.path.parent))}",
        f"Environment={assignment('PATH', os.environ.get('PATH', os.defpath))}",
        *([f"User={owner}"] if owner else []),
        "Restart=on-failure",
        "RestartSec=2",
        "# The manager ends its processes itself, in order; the rest is for what it could not end.",
        "KillMode=mixed",
        f"TimeoutStopSec={int(longest) + 15}",
        "TimeoutStartSec=120",
        "",
        "[Install]",
        f"WantedBy={'default.target' if is_user else 'multi-user.target'}",
    ]
    return "\n".join(lines) + "\n"


def service_user(loaded: "Loaded") -> str | None:
    """Whoever owns the config, unless processes are to have users of their own, which takes root."""
    assert loaded.path
    owner = loaded.path.stat().st_uid
    if owner == 0 or any(config.user for config in loaded.processes):
        return None
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)
