"""Find the config file and its data directory: all that a client needs to know about a config."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

CONFIG_NAMES = ("pmtui.toml", "pmtui.yaml", "pb_processes.json", "pb_data/pb_processes.json")
LOCAL_NAME = "pmtui.local.toml"
"""Laid over the config beside it; usually not under version control."""
MAX_FILE_BYTES = 1 << 20
"""More than three thousand processes; a larger file is something else."""
DATA_DIRECTORY = ".pmtui"


def find_config(folder: Path) -> Path | None:
    """Return the first of CONFIG_NAMES that exists in the directory, even if it cannot be read."""
    return next((folder / name for name in CONFIG_NAMES if os.path.lexists(folder / name)), None)


def locate_config(folder: Path, on_distrust: Callable[[Path], None] = lambda found: None) -> Path | None:
    """Return the config of the directory, or else that of its nearest parent that has one.

    The home directory, the root and shared directories such as /tmp hold no project: they count only as `folder`
    itself. A parent's config counts only if it, its directory and its local file belong to this user or to root, since
    they decide what is run; `on_distrust` is called with another one.
    """
    if found := find_config(folder):
        return found
    for parent in folder.parents:
        if _holds_no_project(parent):
            break
        if found := find_config(parent):
            if _is_trusted(found):
                return found
            on_distrust(found)
            break
    return None


def _holds_no_project(folder: Path) -> bool:
    try:
        is_shared = folder.stat().st_mode & stat.S_ISVTX
    except OSError:
        return True
    home = os.path.expanduser("~")
    return bool(is_shared) or folder == folder.parent or (os.path.isdir(home) and folder.samefile(home))


def _is_trusted(config: Path) -> bool:
    local = config.with_name(LOCAL_NAME)
    paths = [config.parent, config, *([local] if os.path.lexists(local) else [])]
    try:
        return all(path.lstat().st_uid in (os.geteuid(), 0) for path in paths)
    except OSError:
        return False


def data_directory(config: Path | None) -> Path:
    """Return the data directory of a config, or of the current directory if there is none.

    Reads `settings.dataDir` only; an invalid file has the default data directory.
    """
    if config is None:
        return Path(DATA_DIRECTORY).absolute()
    beside = os.path.dirname(os.path.abspath(config))
    return Path(absolute_path(_data_dir(config), beside))


def absolute_path(name: str, folder: str) -> str:
    return os.path.normpath(os.path.join(folder, os.path.expanduser(name)))


def _data_dir(config: Path) -> str:
    local = config.with_name(LOCAL_NAME)
    names = [_data_dir_in(path) for path in (local, config) if path is config or os.path.lexists(local)]
    return next((name for name in names if name), DATA_DIRECTORY)


def _data_dir_in(config: Path) -> str | None:
    from pmtui.config.files import read_bytes
    from pmtui.config.model import ConfigError
    from pmtui.config.parsing.parser import SyntaxProblem, parse
    from pmtui.config.parsing.problems import Problems

    try:
        values = parse(read_bytes(str(config), MAX_FILE_BYTES), str(config), Problems()).values
    except (SyntaxProblem, ConfigError):
        return None
    settings = values.get("settings") if isinstance(values, dict) else None
    name = settings.get("dataDir") if isinstance(settings, dict) else None
    return name if isinstance(name, str) else None
