"""`pmtui doctor`: what a bug report needs, and no secret."""

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
from pmtui.cli.base import DONE, FAILURE, add_config, command_parser
from pmtui.cli.output import Output
from pmtui.client.discovery import URL_VARIABLE, ManagerAddress, ManagerUnavailableError, address_of, read_instance
from pmtui.client.http_client import HttpClient
from pmtui.config.discovery import CONFIG_NAMES, data_directory, find_config
from pmtui.config.load import load_config
from pmtui.control import ControlError, ManagerInfo
from pmtui.runtime.token import TOKEN_VARIABLE
from pmtui.spawner.launcher import MIN_MARK_BASE
from pmtui.spawner.procfs import boot_id
from pmtui.text.formatting import plural, printable
from pmtui.version import __version__

PACKAGES = ("textual", "watchfiles", "starlette", "uvicorn", "h11", "httpx", "msgspec", "tomli-w")
PROGRAMS = ("node", "npm", "uv", "systemctl", "tmux")
GET_CHILD_SUBREAPER = 37

Finding = tuple[str, str, bool]
"""A name, what was found, and whether it is as it should be."""


def parser() -> argparse.ArgumentParser:
    made = command_parser(
        "doctor",
        "Tells what a bug report needs: versions, what the kernel can, config, manager, port, terminal. No secret is "
        "told.",
        "pmtui doctor",
        "pmtui doctor > report.txt",
        codes="Exit codes: 0 all is as it should be, 1 something is not.",
    )
    add_config(made)
    return made


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    ink = Output()
    is_well = True
    for name, found, is_good in findings(options.config or find_config(Path.cwd())):
        sign = ink.paint(ink.glyphs.good, "good") if is_good else ink.paint(ink.glyphs.bad, "bad")
        sys.stdout.write(f"{sign} {name:<18}{printable(found)}\n")
        is_well = is_well and is_good
    return DONE if is_well else FAILURE


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
            yield name, "is not installed", False
    found = [f"{name} {path}" for name in PROGRAMS if (path := shutil.which(name))]
    yield "programs", ", ".join(found) or "none", True


def kernel() -> Iterator[Finding]:
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs", True
    yield "pidfd", *check_capability(has_pidfd, "exits are seen at once", "missing: Linux 5.3 or newer has it")
    yield (
        "subreaper",
        *check_capability(has_subreaper, "daemons that detach are found", "missing: such daemons may be left behind"),
    )
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    yield (
        "children files",
        *check_capability(children.exists, "trees are read at once", "missing: trees are read from all of /proc"),
    )
    yield "boot id", *check_capability(lambda: bool(boot_id()), "what an earlier manager left is found", "missing")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield "open files", f"{soft} of at most {hard}", hard >= 1024
    yield (
        "mark",
        *check_capability(
            has_mark, "what a run has started can be told", "missing: RLIMIT_RTTIME is capped on this system"
        ),
    )


def check_capability(test: Callable[[], bool], good: str, bad: str) -> tuple[str, bool]:
    try:
        works = test()
    except (OSError, AttributeError, ValueError):
        works = False
    return (good, True) if works else (bad, False)


def has_pidfd() -> bool:
    os.close(os.pidfd_open(os.getpid()))
    return True


def has_subreaper() -> bool:
    found = ctypes.c_int()
    return bool(ctypes.CDLL(None).prctl(GET_CHILD_SUBREAPER, ctypes.byref(found), 0, 0, 0) == 0)


def has_mark() -> bool:
    """Whether the soft limit can be any number that a run may get."""
    hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
    return hard == resource.RLIM_INFINITY or hard > 2 * MIN_MARK_BASE


def about_config(config: Path | None) -> Iterator[Finding]:
    if config is None:
        yield "config", f"none in {Path.cwd()}: looked for {', '.join(CONFIG_NAMES)}", True
        return
    loaded = load_config(config)
    wrong = len(loaded.errors)
    told = f", {plural(wrong, 'error', 'errors')} ('pmtui check' tells them)" if wrong else ""
    yield "config", f"{config.absolute()}: {plural(len(loaded.processes), 'process', 'processes')}{told}", not wrong


def about_manager(config: Path | None) -> Iterator[Finding]:
    folder = data_directory(config)
    yield "data folder", describe_directory(folder), not folder.exists() or os.access(folder, os.W_OK)
    try:
        running = read_instance(folder)
    except ManagerUnavailableError as error:
        yield "manager", str(error), False
        return
    if running is None:
        yield "manager", "none runs for this config", True
    else:
        yield "manager", f"pid {running.pid}, {running.url or 'with --no-api'}", True
    if running and running.url:
        yield "answer", *check_api(address_of(running, os.environ))


def describe_directory(folder: Path) -> str:
    if not folder.exists():
        return f"{folder} is not there yet"
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
        "free" if is_port_free() else "taken: the API takes another one unless --port is given",
        True,
    )
    size = shutil.get_terminal_size()
    terminal = f"{os.environ.get('TERM', 'no TERM')}, {size.columns}x{size.lines}, {sys.stdout.encoding}"
    yield "terminal", f"{terminal}{'' if sys.stdout.isatty() else ', stdout is none'}", True
    names = (
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
    yield "environment", ", ".join(f"{name} is set" for name in names if os.environ.get(name)) or "nothing", True
    yield "user", "root" if os.geteuid() == 0 else f"uid {os.geteuid()}", True
    if os.getpid() == 1 or Path("/.dockerenv").exists():
        yield "container", f"yes, pid {os.getpid()}", True


def is_port_free() -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", DEFAULT_PORT)) != 0
