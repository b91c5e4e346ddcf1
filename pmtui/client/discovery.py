"""Where the manager of a config can be asked, and with which token."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pmtui.config.discovery import data_directory, find_config
from pmtui.runtime.files import read_json
from pmtui.runtime.token import TOKEN_VARIABLE, read_token
from pmtui.spawner.procfs import process_identity

URL_VARIABLE = "PMTUI_URL"


class NoManagerError(Exception):
    """No manager runs for this config; the message says which one, and what to do."""


class ManagerUnavailableError(Exception):
    """A manager runs and cannot be asked; the message says why."""


@dataclass(frozen=True)
class RunningManager:
    """A manager on this machine: its process, its data folder and, unless it has no API, its address."""

    pid: int
    directory: Path
    url: str | None


@dataclass(frozen=True)
class ManagerAddress:
    """An address that a manager has, and the token that it should take; empty: none is known."""

    url: str
    token: str = field(repr=False)


def locate_manager(config: Path | None, url: str | None, environ: Mapping[str, str]) -> ManagerAddress:
    """The manager that is meant: by its address, by its config, by PMTUI_URL, or by the config found here.

    Raises NoManagerError and SilentManagerError. Makes nothing, neither a folder nor a token.
    """
    if address := url or (None if config else environ.get(URL_VARIABLE)):
        return ManagerAddress(address.rstrip("/"), environ.get(TOKEN_VARIABLE) or token_for(address, config))
    return address_of(find_manager(config), environ)


def address_of(running: RunningManager, environ: Mapping[str, str]) -> ManagerAddress:
    """Return how to reach a manager on this machine. Raises ManagerUnavailableError if it has no API."""
    if running.url is None:
        raise ManagerUnavailableError(
            f"the manager of this config (pid {running.pid}) has no API: it runs with --no-api"
        )
    return ManagerAddress(running.url, environ.get(TOKEN_VARIABLE) or read_token(running.directory))


def find_manager(config: Path | None) -> RunningManager:
    """The manager of that config, or of the one found here. Raises NoManagerError and SilentManagerError."""
    config = config or find_config(Path.cwd())
    running = read_instance(data_directory(config))
    if running is None:
        which = f"for {config}" if config else f"in {Path.cwd()}, and there is no config here"
        raise NoManagerError(f"no manager runs {which}; 'pmtui' or 'pmtui -d' starts one")
    return running


def read_instance(folder: Path) -> RunningManager | None:
    """The manager that has that data folder; None where it is dead, whatever the folder says."""
    path = folder / "instance.json"
    if path.exists() and not os.access(path, os.R_OK):
        raise ManagerUnavailableError(f"{path} belongs to another user; ask as that user")
    facts = read_json(path)
    pid, url = facts.get("pid"), facts.get("url")
    if not isinstance(pid, int) or not (identity := process_identity(pid)):
        return None
    if any(facts.get(name) != value for name, value in identity.items()):
        return None  # its number belongs to somebody else now
    return RunningManager(pid, folder, url if isinstance(url, str) else None)


def token_for(url: str, config: Path | None) -> str:
    """The token in the data folder here, if the manager with that address is the one of this folder."""
    folder = data_directory(config or find_config(Path.cwd()))
    running = read_instance(folder)
    return read_token(folder) if running and running.url == url.rstrip("/") else ""
