"""`pmtui doctor`: print information for a bug report, without secrets."""

import argparse
import ctypes
import os
import platform
import resource
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from pmtui.api.http.listener import DEFAULT_PORT
from pmtui.cli.base import CONFIGS, DONE, FAILURE, add_config, command_parser, project_config
from pmtui.cli.output import Output, as_json
from pmtui.client.discovery import URL_VARIABLE, ManagerAddress, ManagerUnavailableError, address_of, read_instance
from pmtui.client.http_client import HttpClient
from pmtui.config.discovery import data_directory
from pmtui.config.load import load_config
from pmtui.control import ControlError, ManagerInfo
from pmtui.runtime.token import TOKEN_VARIABLE
from pmtui.spawner.launcher import MIN_MARK_BASE
from pmtui.spawner.procfs import boot_id
from pmtui.text.formatting import plural, printable
from pmtui.version import __version__

PACKAGES = ("textual", "watchfiles", "starlette", "uvicorn", "h11", "httpx", "msgspec", "tomli-w")
PROGRAMS = ("node", "npm", "uv", "systemctl", "tmux")
VARIABLES = (
    URL_VARIABLE,
    TOKEN_VARIABLE,
    "NO_COLOR",
    "COLORTERM",
    "PMTUI_ASCII",
    "PMTUI_THEME",
    "LANG",
    "SSH_TTY",
    "TMUX",
)
GET_CHILD_SUBREAPER = 37

Finding = tuple[str, str, bool]
"""A name, what was found, and whether it is all right."""


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "doctor",
        "Print information for a bug report: versions, kernel features, config, manager, port and terminal. Secrets "
        "are never printed.",
        "pmtui doctor",
        "pmtui doctor > report.txt",
        codes="exit codes: 0 no problem found, 1 problems found",
    )
    add_config(command)
    command.add_argument("--json", action="store_true", help="print an object: ok, and findings with name, found, ok")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    output, results = Output(), list[dict[str, object]]()
    for name, found, is_good in findings(options.config or project_config()):
        results.append({"name": name, "found": found, "ok": is_good})
        if not options.json:
            sys.stdout.write(f"{output.sign(is_good)} {name:<18}{printable(found)}\n")
    all_good = all(result["ok"] for result in results)
    if options.json:
        sys.stdout.write(as_json({"ok": all_good, "findings": results}) + "\n")
    return DONE if all_good else FAILURE


def findings(config: Path | None) -> Iterator[Finding]:
    yield from versions()
    yield from kernel()
    yield from about_config(config)
    yield from about_manager(config)
    yield from about_environment()


def versions() -> Iterator[Finding]:
    yield "pmtui", f"{__version__} in {Path(__file__).parent.parent}", True
    yield "python", f"{platform.python_version()} {platform.python_implementation()}, {sys.executable}", True
    for name in PACKAGES:
        try:
            yield name, metadata.version(name), True
        except metadata.PackageNotFoundError:
            yield name, "not installed", False
    found = [f"{name} {path}" for name in PROGRAMS if (path := shutil.which(name))]
    yield "programs", ", ".join(found) or "none", True


def kernel() -> Iterator[Finding]:
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs", True
    for name, test, good, bad in CAPABILITIES:
        is_there = has_capability(test)
        yield name, good if is_there else f"missing; {bad}", is_there
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield "open files", f"limit {soft}, at most {hard}", hard >= 1024


def has_capability(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except (OSError, AttributeError, ValueError):
        return False


def has_pidfd() -> bool:
    os.close(os.pidfd_open(os.getpid()))
    return True


def has_subreaper() -> bool:
    found = ctypes.c_int()
    return bool(ctypes.CDLL(None).prctl(GET_CHILD_SUBREAPER, ctypes.byref(found), 0, 0, 0) == 0)


def has_mark() -> bool:
    """Return whether RLIMIT_RTTIME can take the mark of any run."""
    hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
    return hard == resource.RLIM_INFINITY or hard > 2 * MIN_MARK_BASE


def has_children_files() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


CAPABILITIES: tuple[tuple[str, Callable[[], bool], str, str], ...] = (
    ("pidfd", has_pidfd, "exits are detected immediately", "requires Linux 5.3"),
    ("subreaper", has_subreaper, "detached daemons are found", "detached daemons may be left behind"),
    ("children files", has_children_files, "process trees are read directly", "they are read from all of /proc"),
    ("boot id", lambda: bool(boot_id()), "leftovers of an earlier manager are found", "leftovers may stay"),
    ("mark", has_mark, "the processes of a run can be identified", "RLIMIT_RTTIME is capped on this system"),
)


def about_config(config: Path | None) -> Iterator[Finding]:
    if config is None:
        yield "config", f"none in {Path.cwd()}; expected {CONFIGS}", True
        return
    loaded = load_config(config)
    count = len(loaded.errors)
    errors = f", {plural(count, 'error', 'errors')} ('pmtui check' reports them)" if count else ""
    yield "config", f"{config.absolute()}: {plural(len(loaded.processes), 'process', 'processes')}{errors}", not count


def about_manager(config: Path | None) -> Iterator[Finding]:
    folder = data_directory(config)
    yield "data directory", describe_directory(folder), not folder.exists() or os.access(folder, os.W_OK)
    try:
        running = read_instance(folder)
    except ManagerUnavailableError as error:
        yield "manager", str(error), False
        return
    if running is None:
        yield "manager", "not running for this config", True
    else:
        yield "manager", f"pid {running.pid}, {running.url or 'no API'}", True
        if running.bound_to:
            yield "host", f"the manager ends with {describe_process(running.bound_to)}", True
    if running and running.url:
        yield "API", *check_api(address_of(running, os.environ))


def describe_process(pid: int) -> str:
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
    except OSError:
        return f"pid {pid}, which has ended"


def describe_directory(folder: Path) -> str:
    if not folder.exists():
        return f"{folder} does not exist yet"
    return f"{folder}, mode {folder.stat().st_mode & 0o777:o}, {shutil.disk_usage(folder).free >> 20:,} MB free"


def check_api(place: ManagerAddress) -> tuple[str, bool]:
    begin = time.perf_counter()
    try:
        with HttpClient(place) as client:
            about = client.get("/api/pm/config", ManagerInfo)
    except ControlError as error:
        return str(error), False
    return f"version {about.version} in {(time.perf_counter() - begin) * 1000:.0f} ms", about.version == __version__


def about_environment() -> Iterator[Finding]:
    yield (
        f"port {DEFAULT_PORT}",
        "free" if is_port_free() else "taken; without --port, the API takes a free one",
        True,
    )
    size = shutil.get_terminal_size()
    terminal = f"{os.environ.get('TERM', 'no TERM')}, {size.columns}x{size.lines}, {sys.stdout.encoding}"
    yield "terminal", f"{terminal}{'' if sys.stdout.isatty() else ', stdout is not a terminal'}", True
    names = [name for name in VARIABLES if os.environ.get(name)]
    yield "environment", f"set: {', '.join(names)}" if names else "none of ours is set", True
    yield "user", "root" if os.geteuid() == 0 else f"uid {os.geteuid()}", True
    if os.getpid() == 1 or Path("/.dockerenv").exists():
        yield "container", f"yes, pid {os.getpid()}", True


def is_port_free() -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", DEFAULT_PORT)) != 0
