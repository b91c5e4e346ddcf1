"""Tell which package manager a Node project uses, by its lock file."""

import os
from collections.abc import Iterator

import msgspec

LOCK_FILES = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
_WORKSPACE_FILES = ("pnpm-workspace.yaml",)


class PackageManager(msgspec.Struct, frozen=True):
    """A package manager, and the directory of its lock file; empty if there is no lock."""

    name: str = "npm"
    directory: str = ""

    @property
    def install(self) -> list[str]:
        """The command that installs what the lock file says, and nothing else; without a lock, what it finds."""
        if not self.directory:
            return [self.name, "install"]
        if self.name == "npm":
            return ["npm", "ci"]
        is_modern_yarn = self.name == "yarn" and os.path.exists(os.path.join(self.directory, ".yarnrc.yml"))
        return [self.name, "install", "--immutable" if is_modern_yarn else "--frozen-lockfile"]


def package_manager(cwd: str) -> PackageManager:
    """Return the package manager of the directory, or of the workspace that it belongs to."""
    for directory in ancestors(cwd):
        if directory != cwd and not _is_workspace(directory):
            continue
        for lock, name in LOCK_FILES.items():
            if os.path.isfile(os.path.join(directory, lock)):
                return PackageManager(name, directory)
    return PackageManager()


def ancestors(directory: str) -> Iterator[str]:
    """Yield the directory and all its parents."""
    while True:
        yield directory
        above = os.path.dirname(directory)
        if above == directory:
            return
        directory = above


def _is_workspace(directory: str) -> bool:
    if any(os.path.isfile(os.path.join(directory, name)) for name in _WORKSPACE_FILES):
        return True
    try:
        with open(os.path.join(directory, "package.json"), "rb") as file:
            package = msgspec.json.decode(file.read())
    except (OSError, msgspec.DecodeError):
        return False
    return isinstance(package, dict) and bool(package.get("workspaces"))
