"""Find the running manager of a config: its address and the token for it. Creates no directory and no token."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pmtui.config.discovery import data_directory, locate_config
from pmtui.runtime.files import read_json
from pmtui.runtime.token import TOKEN_VARIABLE, read_token
from pmtui.spawner.procfs import process_identity

URL_VARIABLE = "PMTUI_URL"


class NoManagerError(Exception):
    """No manager is running for the config; the message says which config, and what to do."""

    def __init__(self, message: str, config: Path | None = None) -> None:
        super().__init__(message)
        self.config = config


class ManagerUnavailableError(Exception):
    """A manager is running but cannot be used; the message says why."""


class RunningManager(NamedTuple):
    """A manager on this machine. `url` is None if it has no API."""

    pid: int
    directory: Path
    url: str | None
    bound_to: int | None = None
    is_stopping: bool = False


class ManagerAddress(NamedTuple):
    """How to reach a manager; `token` is empty if none is known."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"ManagerAddress(url={self.url!r})"


def locate_manager(config: Path | None, url: str | None, environ: Mapping[str, str]) -> ManagerAddress:
    """Locate a manager by `url`, by `config`, by PMTUI_URL, or else by the config of this directory or its parents.

    Raises NoManagerError and ManagerUnavailableError.
    """
    if address := url or (None if config else environ.get(URL_VARIABLE)):
        return ManagerAddress(address.rstrip("/"), environ.get(TOKEN_VARIABLE) or token_for(address, config))
    return address_of(find_manager(config), environ)


def address_of(running: RunningManager, environ: Mapping[str, str]) -> ManagerAddress:
    """Return how to reach the manager. Raises ManagerUnavailableError if it has no API."""
    if running.url is None:
        raise ManagerUnavailableError(f"the manager (pid {running.pid}) has no API; restart it without --no-api")
    return ManagerAddress(running.url, environ.get(TOKEN_VARIABLE) or read_token(running.directory))


def find_manager(config: Path | None) -> RunningManager:
    """Return the manager of the config, or of the one found here. Raises as `locate_manager`."""
    config = config or locate_config(Path.cwd())
    running = read_instance(data_directory(config))
    if running is None and config is None:
        raise NoManagerError(f"no manager is running in {Path.cwd()}, which has no config; 'pmtui init' writes one")
    if running is None:
        raise NoManagerError(f"no manager is running for {config}; start one with 'pmtui' or 'pmtui -d'", config)
    return running


def read_instance(folder: Path) -> RunningManager | None:
    """Return the manager that uses the data directory; None if it is not alive, whatever the files say."""
    path = folder / "instance.json"
    if path.exists() and not os.access(path, os.R_OK):
        raise ManagerUnavailableError(f"{path} belongs to another user; run this command as that user")
    facts = read_json(path)
    pid, url = facts.get("pid"), facts.get("url")
    if not isinstance(pid, int) or not (identity := process_identity(pid)):
        return None
    if any(facts.get(name) != value for name, value in identity.items()):
        return None  # the pid has been reused
    bound_to = facts.get("boundTo")
    return RunningManager(
        pid,
        folder,
        url if isinstance(url, str) else None,
        bound_to if isinstance(bound_to, int) else None,
        is_stopping=facts.get("stopping") is True,
    )


def token_for(url: str, config: Path | None) -> str:
    """Return the token of the data directory here if its manager has that address, else an empty string."""
    folder = data_directory(config or locate_config(Path.cwd()))
    running = read_instance(folder)
    return read_token(folder) if running and running.url == url.rstrip("/") else ""
