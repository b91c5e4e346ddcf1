"""`pmtui exec`: bring the config up, run a command beside it, and take it down again."""

import argparse
import gc
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import (
    BAD_USAGE,
    add_config,
    add_profile,
    command_parser,
    duration_option,
    fail,
    parse_command,
    profiles_of,
    require_config,
)
from pmtui.text.formatting import plural, printable

if TYPE_CHECKING:
    from pmtui.client.discovery import RunningManager
    from pmtui.client.http_client import HttpClient
    from pmtui.config.load import Loaded
    from pmtui.control import Detail, Snapshot
    from pmtui.runtime.bring_up import BringUp, Step
    from pmtui.spawner.launcher import GuardianLauncher
    from pmtui.supervisor.reload import ConfigSource

NOT_UP = 125
MAX_LAST_LINES = 10
YOUNG = "without a health check it counts as up after a second"
EXIT_CODES = (
    "exit codes: that of CMD, 128 + n if signal n ended it; 2 bad usage or config, 125 the processes did not come up,\n"
    "126 CMD cannot be executed, 127 CMD was not found"
)


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "exec",
        "Start the processes of the config, wait until all are healthy (or have run for a second, if they have no "
        "health check), run CMD in the foreground with their addresses "
        "in its environment (API_PORT, API_URL for a process api), and stop everything. Beside a running manager, use "
        "that one, and leave it running. Finally show on stderr how long each process took.",
        "pmtui exec -- npm test",
        "pmtui exec --only db --only cache -- pytest -x",
        codes=EXIT_CODES,
    )
    add_config(command)
    add_profile(command)
    command.add_argument(
        "--only", action="append", metavar="ID", default=[], help="start only this, and what it depends on; may repeat"
    )
    command.add_argument(
        "--timeout", type=duration_option, metavar="TIME", help="give up after this long, such as 60s (default: never)"
    )
    command.add_argument("-q", "--quiet", action="store_true", help="do not show how long each process took")
    command.add_argument("words", nargs="*", metavar="CMD", help="the command and its arguments, after --")
    return command


def run(argv: Sequence[str]) -> int:
    command = parser()
    options = parse_command(command, argv)
    if not options.words:
        command.error("give the command to run: pmtui exec -- CMD ...")
    from pmtui.spawner.launcher import GuardianLauncher

    gc.disable()  # imports create no garbage; the manager enables it once it is up
    boot = GuardianLauncher()
    boot.capture_signals()
    boot.prestart()  # it starts while everything else is imported
    try:
        return run_command(options, boot)
    finally:
        boot.abort()


def run_command(options: argparse.Namespace, boot: "GuardianLauncher") -> int:
    from pmtui.cli.root import find_unknown, origins_of, select_processes
    from pmtui.client.discovery import ManagerUnavailableError, read_instance
    from pmtui.supervisor.reload import ConfigSource

    profiles = profiles_of(options)

    def read(path: Path) -> "Loaded":
        return select_processes(require_config(path, profiles)[1], options.only)

    path, loaded = require_config(options.config, profiles)
    if loaded.errors:
        text = "\n".join(problem.located for problem in loaded.errors)
        return fail(f"the config has {plural(len(loaded.errors), 'error', 'errors')}:\n{text}", BAD_USAGE)
    if message := find_unknown(options.only, loaded):
        return fail(message, BAD_USAGE)
    selected = select_processes(loaded, options.only)
    try:
        if running := read_instance(Path(loaded.settings.data_dir)):
            boot.abort()
            return run_beside(running, selected, boot, options)
    except ManagerUnavailableError as error:
        return fail(str(error), NOT_UP)
    source = ConfigSource(partial(read, path), selected, origins=partial(origins_of, loaded, profiles))
    return run_with_manager(source, boot, options)


def run_with_manager(source: "ConfigSource", boot: "GuardianLauncher", options: argparse.Namespace) -> int:
    import asyncio

    from pmtui.cli.background import LOG_NAME, open_log
    from pmtui.runtime.execution import Execution
    from pmtui.runtime.foreground import CommandError
    from pmtui.runtime.session import StartError

    folder = Path(source.loaded.settings.data_dir)
    try:
        os.close(open_log(folder))
        execution = Execution(source, boot, options.words, options.timeout, report_crash)
        code = asyncio.run(execution.run(folder / LOG_NAME, report_causes))
    except OSError as error:
        return fail(f"cannot use the data directory {folder}: {error.strerror} ({error.filename})", NOT_UP)
    except StartError as error:
        return fail(str(error), NOT_UP)
    except CommandError as error:
        code = fail(str(error), error.code)
    if not options.quiet:
        show_steps(execution.bring_up)
    return code


def run_beside(
    running: "RunningManager", loaded: "Loaded", boot: "GuardianLauncher", options: argparse.Namespace
) -> int:
    """Run the command beside a manager that runs already."""
    import asyncio

    from pmtui.client.discovery import ManagerUnavailableError, address_of
    from pmtui.client.http_client import HttpClient
    from pmtui.control import ControlError
    from pmtui.runtime.bring_up import BringUp
    from pmtui.runtime.foreground import CommandError, ForegroundCommand

    boot.release_signals()  # there is nothing to take down
    bring_up = BringUp(loaded.processes, on_crash=report_crash)

    async def execute() -> int:
        command = ForegroundCommand(options.words, lambda number: sys.exit(128 + number))
        command.catch_signals()
        return await command.run(os.environ | bring_up.addresses())

    try:
        with HttpClient(address_of(running, os.environ)) as client:
            is_up = bring_up_beside(client, bring_up, options.timeout)
        code = asyncio.run(execute()) if is_up else NOT_UP
    except CommandError as error:
        code = fail(str(error), error.code)
    except (ControlError, ManagerUnavailableError) as error:
        return fail(str(error), NOT_UP)
    if not options.quiet:
        show_steps(bring_up)
    return code


def bring_up_beside(client: "HttpClient", bring_up: "BringUp", timeout: float | None) -> bool:
    """Start what is stopped, and return whether everything came up; otherwise say what did not."""
    from pmtui.cli.session import fetch_snapshots
    from pmtui.cli.waiting import MAX_POLL_INTERVAL, MIN_POLL_INTERVAL, tell_causes
    from pmtui.control import Results, Status

    deadline = None if timeout is None else time.monotonic() + timeout
    rows = {row.id: row for row in fetch_snapshots(client)}
    if stopped := [name for name in bring_up.ids if name in rows and rows[name].status is Status.STOPPED]:
        client.post("/api/pm/start", Results, {"ids": stopped}, wait="false")
    pause = MIN_POLL_INTERVAL
    while not bring_up.observe(fetch_snapshots(client)) and (deadline is None or time.monotonic() < deadline):
        time.sleep(pause)
        pause = min(MAX_POLL_INTERVAL, pause * 1.5)
    if not bring_up.is_up:
        tell_causes(client, bring_up.causes, bring_up.rows)
    return bring_up.is_up


def report_crash(row: "Snapshot") -> None:
    from pmtui.control import explain

    fail(f"{row.id} crashed and is waited for: {printable(explain(row))}", NOT_UP)


def report_causes(details: "Sequence[Detail]") -> None:
    """Say what did not come up, each with the last lines it wrote."""
    from pmtui.control import Status, explain

    for one in details:
        why = printable(explain(one) or one.last_error) or YOUNG * (one.status is Status.RUNNING)
        fail(f"{one.id} is {one.status}{': ' if why else ''}{why}", NOT_UP)
        for line in (one.exits[-1].lines if one.exits else [])[-MAX_LAST_LINES:]:
            sys.stderr.write(f"  {printable(line)}\n")


def show_steps(bring_up: "BringUp") -> None:
    """Show on stderr how long each process took, what it waited for, and which ones decided the time."""
    from pmtui.cli.output import Output

    steps, output = bring_up.steps(), Output(sys.stderr)
    if not steps:
        return
    chain = bring_up.critical_chain()
    width = max(map(len, ("PROCESS", *bring_up.ids)))
    lines = [
        output.paint(f"{'PROCESS':<{width}}  {'STATUS':<9}  {'READY AT':>8}  {'TOOK':>8}  WAITED FOR".rstrip(), "dim")
    ]
    for step in steps:
        text = format_step(step, width)
        lines.append(output.paint(text, "accent") if step in chain else text)
    decided = ", then ".join(f"{step.id} {step.duration:.2f} s" for step in chain)
    if bring_up.is_up:
        lines.append(f"ready after {chain[-1].ready:.2f} s: {decided}")
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def format_step(step: "Step", width: int) -> str:
    ready, took = f"{step.ready:.2f} s", f"{step.duration:.2f} s"
    return f"{step.id:<{width}}  {step.status:<9}  {ready:>8}  {took:>8}  {step.waited_for or ''}".rstrip()
