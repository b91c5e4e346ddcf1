"""Where the manager of a config can be asked, and with which token."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pmtui.config.discovery import data_folder, find_config
from pmtui.spawner.identity import identity_of, read

URL, TOKEN = "PMTUI_URL", "PMTUI_TOKEN"
LONGEST_TOKEN = 4096


class NoManagerError(Exception):
    """No manager runs for this config; the message says which one, and what to do."""


class SilentManagerError(Exception):
    """A manager runs and cannot be asked; the message says why."""


@dataclass(frozen=True)
class Running:
    """A manager on this machine: its process, its data folder and, unless it has no API, its address."""

    pid: int
    folder: Path
    url: str | None


@dataclass(frozen=True)
class Place:
    """An address that a manager has, and the token that it should take; empty: none is known."""

    url: str
    token: str = field(repr=False)


def find_place(config: Path | None, url: str | None, environ: Mapping[str, str]) -> Place:
    """The manager that is meant: by its address, by its config, by PMTUI_URL, or by the config found here.

    Raises NoManagerError and SilentManagerError. Makes nothing, neither a folder nor a token.
    """
    if address := url or (None if config else environ.get(URL)):
        return Place(address.rstrip("/"), environ.get(TOKEN) or token_for(address, config))
    running = find_running(config)
    if running.url is None:
        raise SilentManagerError(f"the manager of this config (pid {running.pid}) has no API: it runs with --no-api")
    return Place(running.url, environ.get(TOKEN) or read_token(running.folder))


def find_running(config: Path | None) -> Running:
    """The manager of that config, or of the one found here. Raises NoManagerError and SilentManagerError."""
    config = config or find_config(Path.cwd())
    running = running_in(data_folder(config))
    if running is None:
        which = f"for {config}" if config else f"in {Path.cwd()}, and there is no config here"
        raise NoManagerError(f"no manager runs {which}; 'pmtui' or 'pmtui -d' starts one")
    return running


def running_in(folder: Path) -> Running | None:
    """The manager that has that data folder; None where it is dead, whatever the folder says."""
    path = folder / "instance.json"
    if path.exists() and not os.access(path, os.R_OK):
        raise SilentManagerError(f"{path} belongs to another user; ask as that user")
    facts = read(path)
    pid, url = facts.get("pid"), facts.get("url")
    if not isinstance(pid, int) or not (identity := identity_of(pid)):
        return None
    if any(facts.get(name) != value for name, value in identity.items()):
        return None  # its number belongs to somebody else now
    return Running(pid, folder, url if isinstance(url, str) else None)


def token_for(url: str, config: Path | None) -> str:
    """The token in the data folder here, if the manager with that address is the one of this folder."""
    folder = data_folder(config or find_config(Path.cwd()))
    running = running_in(folder)
    return read_token(folder) if running and running.url == url.rstrip("/") else ""


def read_token(folder: Path) -> str:
    """The token that the manager has made; empty where there is none, or somebody else could have put it there."""
    try:
        descriptor = os.open(folder / "token", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return file.read(LONGEST_TOKEN + 2).decode("latin-1").strip()
