"""`pmtui plugin status`: the hook, the PocketBase and the manager, and what each of them answers."""

import json
import os
import re
import sys
import time
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from pmtui.cli.base import DONE, FAILURE, NO_MANAGER, fail
from pmtui.cli.output import Output
from pmtui.client.discovery import ManagerAddress, ManagerUnavailableError, RunningManager, read_instance
from pmtui.client.http_client import HttpClient
from pmtui.config.discovery import data_directory
from pmtui.control import ControlError, ManagerInfo
from pmtui.pocketbase.hook_file import DEFAULT_CONFIGS, HookError, hook_path, is_installed
from pmtui.pocketbase.locate import RunningPocketBase, find_pocketbase
from pmtui.runtime.token import TOKEN_VARIABLE, read_token
from pmtui.text.formatting import printable

REQUEST_TIMEOUT = 3.0
CONSTANT = re.compile(r'^const (PMTUI|CONFIG) = (".*")', re.MULTILINE)


def show_status(directory: Path, *, as_json: bool) -> int:
    try:
        if not is_installed(directory):
            return fail(f"no hook in {directory / 'pb_hooks'}; 'pmtui plugin install' writes it", FAILURE)
    except HookError as error:
        return fail(str(error), FAILURE)
    written = dict(CONSTANT.findall(hook_path(directory).read_text()))
    config = find_config(directory, json.loads(written.get("CONFIG", '""')))
    pocketbase = find_pocketbase(directory)
    output = Output()
    rows = [
        ("hook", *about_hook(hook_path(directory), json.loads(written.get("PMTUI", '""')))),
        ("config", *about_config(config)),
        ("PocketBase", *about_pocketbase(pocketbase)),
        ("manager", *about_manager(config, directory, pocketbase)),
    ]
    is_well = all(is_good for *_, is_good in rows)
    if as_json:
        findings = [{"name": name, "found": text, "ok": is_good} for name, text, is_good in rows]
        sys.stdout.write(json.dumps({"ok": is_well, "findings": findings}) + "\n")
    else:
        sys.stdout.writelines(f"{output.sign(good)} {name:<12}{printable(text)}\n" for name, text, good in rows)
    return DONE if is_well else NO_MANAGER


def find_config(directory: Path, named: str) -> Path | None:
    """The config that the hook finds, unless PocketBase's environment has PMTUI_CONFIG."""
    if named:
        return Path(named)
    return next((directory / name for name in DEFAULT_CONFIGS if (directory / name).exists()), None)


def about_hook(path: Path, command: str) -> tuple[str, bool]:
    if not os.access(command, os.X_OK):
        return f"{path}: {command} does not exist any more; run 'pmtui plugin install' again", False
    return f"{path}, starts {command}", True


def about_config(config: Path | None) -> tuple[str, bool]:
    if config is None:
        return f"none: looked for {' and '.join(DEFAULT_CONFIGS)}; PocketBase starts no process", False
    return (str(config), True) if config.exists() else (f"{config} does not exist", False)


def about_pocketbase(found: RunningPocketBase | None) -> tuple[str, bool]:
    if found is None:
        return "does not run; ./pocketbase serve starts it", False
    address = found.options.url.partition("#")[0]
    health, route, page = (fetch_status(address + path) for path in ("/api/health", "/api/pm/list", "/_pm/"))
    text = f"pid {found.pid}, {address}: /api/health {health}, /api/pm/list {route}"
    if route.startswith("404"):
        return f"{text}: the hook is not loaded; restart PocketBase", False
    text += " (needs a superuser)" if route.startswith("401") else ""
    advice = "; turned off, or run 'pmtui plugin install' again" if page.startswith("404") else ""
    return f"{text}, web page {address}/_pm/ {page}{advice}", health.startswith("200")


def about_manager(config: Path | None, directory: Path, pocketbase: RunningPocketBase | None) -> tuple[str, bool]:
    try:
        running = read_instance(data_directory(config or directory / DEFAULT_CONFIGS[0]))
    except ManagerUnavailableError as error:
        return str(error), False
    if running is None:
        return "does not run", False
    bound = pocketbase is not None and running.bound_to == pocketbase.pid
    text = f"pid {running.pid}, {'ends with PocketBase' if bound else 'was not started by this PocketBase'}"
    if running.url is None:
        return f"{text}, has no API (--no-api)", False
    answer, is_good = ask_manager(running)
    return f"{text}, {running.url}: {answer}", is_good


def ask_manager(running: RunningManager) -> tuple[str, bool]:
    token = os.environ.get(TOKEN_VARIABLE) or read_token(running.directory)
    began = time.perf_counter()
    try:
        with HttpClient(ManagerAddress(running.url or "", token)) as client:
            about = client.get("/api/pm/config", ManagerInfo)
    except ControlError as error:
        return str(error), False
    return f"version {about.version} in {(time.perf_counter() - began) * 1000:.0f} ms", True


def fetch_status(url: str) -> str:
    """The status of the answer and how long it took, or what went wrong."""
    began = time.perf_counter()
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=REQUEST_TIMEOUT) as response:
            status = response.status
    except HTTPError as error:
        status = error.code
    except (OSError, HTTPException, ValueError) as error:
        return str(error.reason if isinstance(error, URLError) else error) or type(error).__name__
    return f"{status} in {(time.perf_counter() - began) * 1000:.0f} ms"
