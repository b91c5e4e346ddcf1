"""The hook in PocketBase's `pb_hooks` directory: written from the template beside this module, recognized, removed."""

import json
import os
from pathlib import Path

NAME = "pmtui.pb.js"
MARK = '// Written by "pmtui plugin install"'
DEFAULT_CONFIGS = ("pb_processes.json", "pb_data/pb_processes.json")
"""What the hook looks for, as long as it names no config."""
TEMPLATE = Path(__file__).parent / NAME


class HookError(Exception):
    """The hook cannot be written or removed; the message says why and what to do."""


def hook_path(directory: Path) -> Path:
    return directory / "pb_hooks" / NAME


def is_installed(directory: Path) -> bool:
    """Whether the hook is there. Raises HookError if a file that pmtui did not write is in its place."""
    path = hook_path(directory)
    if not os.path.lexists(path):
        return False
    try:
        is_ours = path.is_file() and path.read_text(errors="replace").startswith(MARK)
    except OSError as error:
        raise HookError(f"{path} cannot be read: {error.strerror}") from None
    if not is_ours:
        raise HookError(f"{path} was not written by pmtui and is left as it is; move it away first")
    return True


def install(directory: Path, command: Path, config: Path | None) -> Path:
    """Write the hook for that `pmtui` command, over an older one of ours; without `config` it is found at each start.

    Raises HookError.
    """
    if not directory.is_dir():
        raise HookError(f"{directory} is not a directory; name the one that holds PocketBase's pb_data")
    is_installed(directory)
    path = hook_path(directory)
    draft = path.with_suffix(".new")  # PocketBase reloads on a changed .js: it must not see half of it
    try:
        path.parent.mkdir(exist_ok=True)
        draft.write_text(render(command, config))
        draft.replace(path)
    except OSError as error:
        raise HookError(f"{path} cannot be written: {error.strerror}") from None
    return path


def uninstall(directory: Path) -> bool:
    """Remove the hook; false if there was none. Raises HookError."""
    if not is_installed(directory):
        return False
    try:
        hook_path(directory).unlink()
    except OSError as error:
        raise HookError(f"{hook_path(directory)} cannot be removed: {error.strerror}") from None
    return True


def render(command: Path, config: Path | None) -> str:
    text = TEMPLATE.read_text()
    for placeholder, value in (("@PMTUI@", str(command)), ("@CONFIG@", str(config or ""))):
        text = text.replace(f'"{placeholder}"', json.dumps(value), 1)
    return text
