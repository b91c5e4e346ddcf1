"""All running managers of this user: one file each in the user's runtime directory. Needs no library."""

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pmtui.runtime.files import read_json, write_atomic
from pmtui.spawner.procfs import process_identity

NAME = "pmtui"


def register(facts: dict[str, Any]) -> None:
    """Note that this manager runs. A directory that cannot be used costs only the entry."""
    for parent, name in places():
        with contextlib.suppress(OSError):
            directory = parent / name
            directory.mkdir(mode=0o700, exist_ok=True)
            if is_private(directory):
                write_atomic(directory / f"{os.getpid()}.json", json.dumps(facts))
                return


def unregister() -> None:
    for parent, name in places():
        with contextlib.suppress(OSError):
            (parent / name / f"{os.getpid()}.json").unlink()


def running() -> list[dict[str, Any]]:
    """Return what each running manager has noted, and remove the entries of those that have died."""
    found: dict[int, dict[str, Any]] = {}
    for path in entries():
        facts = read_json(path)
        pid = facts.get("pid")
        identity = process_identity(pid) if isinstance(pid, int) else {}
        if isinstance(pid, int) and identity and all(facts.get(name) == value for name, value in identity.items()):
            found[pid] = facts
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return [found[pid] for pid in sorted(found)]


def entries() -> Iterator[Path]:
    for parent, name in places():
        directory = parent / name
        if is_private(directory):
            yield from directory.glob("[0-9]*.json")


def places() -> Iterator[tuple[Path, str]]:
    """Yield the directories that may hold the registry, the preferred one first.

    Why several: a manager started by cron or over ssh may not know the one of the desktop session.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    known = dict.fromkeys([runtime] if runtime and os.path.isabs(runtime) else [])
    for parent in [*known, f"/run/user/{os.getuid()}"]:
        yield Path(parent), NAME
    yield Path(tempfile.gettempdir()), f"{NAME}-{os.getuid()}"


def is_private(directory: Path) -> bool:
    """Return whether it is a directory that only this user can write to. Why: anyone may create one in /tmp."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
