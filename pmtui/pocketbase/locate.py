"""Which PocketBase runs with a given pb_hooks directory."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pmtui.pocketbase.serve_options import ServeOptions, is_serve, serve_options


class RunningPocketBase(NamedTuple):
    pid: int
    options: ServeOptions


def find_pocketbase(directory: Path) -> RunningPocketBase | None:
    """The PocketBase that loads its hooks from `directory`/pb_hooks, as far as this user can see it."""
    wanted = os.path.realpath(directory / "pb_hooks")
    return next((found for found in _serving() if os.path.realpath(found.options.hooks_dir) == wanted), None)


def _serving() -> Iterator[RunningPocketBase]:
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            words = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
            if len(words) < 2 or "serve" not in words or not is_serve(words) or not _is_pocketbase(entry):
                continue
            yield RunningPocketBase(int(entry), serve_options(words, Path(os.readlink(f"/proc/{entry}/cwd"))))
        except (OSError, ValueError):
            continue  # it has ended, or belongs to another user


def _is_pocketbase(pid: str) -> bool:
    """Whether it has a PocketBase's database open; its program may have any name."""
    directory = f"/proc/{pid}/fd"
    return any(os.readlink(f"{directory}/{fd}").endswith("/auxiliary.db") for fd in os.listdir(directory))
