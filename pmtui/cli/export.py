"""`pmtui export`: export processes to systemd, compose, Kubernetes or a Procfile."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pmtui.cli.base import (
    BAD_USAGE,
    DONE,
    FAILURE,
    add_config,
    add_profile,
    command_parser,
    fail,
    profiles_of,
    require_config,
)
from pmtui.cli.output import as_json
from pmtui.runtime.files import write_atomic

if TYPE_CHECKING:
    from pmtui.config.load import Loaded
    from pmtui.exporters import Exported, Project

TARGETS = ("systemd", "compose", "kubernetes", "procfile")
MARK = "# Made by pmtui export."


def parser() -> argparse.ArgumentParser:
    command = command_parser(
        "export",
        "Write the processes of the config as systemd units, a compose.yaml, Kubernetes manifests or a Procfile, and "
        "report on stderr what cannot be converted. Values of env are taken from the config; variables of this shell "
        "are referred to by name, and their values are never written.",
        "pmtui export systemd --user -o ~/.config/systemd/user",
        "pmtui export compose --image shop:1.2 > compose.yaml",
        "pmtui export kubernetes --image shop:1.2 | kubectl apply -f -",
        codes="exit codes: 0 exported, 1 a file cannot be written, or there are no processes, 2 bad usage or config",
    )
    add_config(command)
    add_profile(command)
    command.add_argument("target", choices=TARGETS)
    command.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="directory to write files to (default: stdout)"
    )
    command.add_argument("--name", help="project name (default: name of the config's directory)")
    command.add_argument("--image", help="compose, kubernetes: image of the containers (default: NAME:latest)")
    command.add_argument("--user", action="store_true", help="systemd: write user units")
    command.add_argument("--json", action="store_true", help="print an object: files with name, path, text; warnings")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    config, loaded = require_config(options.config, profiles_of(options))
    for problem in loaded.errors:
        fail(f"{config.name}: {problem}", BAD_USAGE)
    if loaded.errors:
        return BAD_USAGE
    if not loaded.processes:
        return fail(f"{config} has no processes to export", FAILURE)
    make = getattr(import_module(f"pmtui.exporters.{options.target}"), f"export_{options.target}")
    exported: Exported = make(project(loaded, options))
    sys.stderr.writelines(f"pmtui: {warning}\n" for warning in exported.warnings)
    if options.output and (code := write(exported, options.output)):
        return code
    if options.json:
        sys.stdout.write(as_json({"files": described(exported, options.output), "warnings": exported.warnings}) + "\n")
    elif options.output:
        sys.stdout.writelines(f"{options.output / name}\n" for name in exported.files)
    else:
        sys.stdout.write(format_exported(exported))
    return DONE


def described(exported: "Exported", folder: Path | None) -> list[dict[str, str | None]]:
    """Return the names of the files, with the paths of those that were written, and the texts of others."""
    return [
        {"name": name, "path": str(folder / name) if folder else None, "text": None if folder else text}
        for name, text in exported.files.items()
    ]


def project(loaded: "Loaded", options: argparse.Namespace) -> "Project":
    from pmtui.config.ports import bind, declared_ports, lookup_in
    from pmtui.exporters import Project

    assert loaded.path
    folder = loaded.path.parent
    name = options.name or folder.name or "root"
    image = options.image or f"{''.join(c if c.isalnum() else '-' for c in name.lower()).strip('-') or 'app'}:latest"
    lookup = lookup_in(loaded.processes)
    bound = tuple(bind(config, declared_ports(config), lookup(config)) for config in loaded.processes)
    return Project(name, str(folder), loaded.settings, bound, image, options.user)


def format_exported(exported: "Exported") -> str:
    if len(exported.files) == 1:
        return f"{MARK}\n{next(iter(exported.files.values()))}"
    return "\n".join(f"# --- {name}\n{text}" for name, text in exported.files.items())


def write(exported: "Exported", folder: Path) -> int:
    """Write files that only their owner can read, as they hold env. Replace only files of an earlier export."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = [name for name in exported.files if not is_generated(folder / name)]
        if foreign:
            return fail(f"{folder / foreign[0]} was not written by pmtui export; move it, or use another -o", FAILURE)
        for name, text in exported.files.items():
            write_atomic(folder / name, f"{MARK}\n{text}")
    except OSError as error:
        return fail(f"{error.filename or folder}: {error.strerror}", FAILURE)
    return DONE


def is_generated(path: Path) -> bool:
    if not os.path.lexists(path):
        return True
    return path.is_file() and not path.is_symlink() and path.read_text(errors="replace").startswith(MARK)
