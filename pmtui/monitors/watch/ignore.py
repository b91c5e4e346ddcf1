"""Which files below a watched folder do not count as a change."""

import os
import re
from collections.abc import MutableMapping, Sequence

from pathspec import GitIgnoreSpec

DEFAULT_IGNORES = GitIgnoreSpec.from_lines(
    (
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        "__pycache__",
        ".venv",
        "venv",
        "pb_data",  # PocketBase's database
        "*.log",
        "*.pyc",
        "*.egg-info",
        ".*_cache",  # of mypy, pytest and ruff
        *("*~", ".*.sw?", ".#*", "4913", ".DS_Store"),  # what editors and file managers leave for a moment
    ),
    backend="simple",  # RE2 refuses some of the patterns that git takes
)


class IgnoreRules:
    """The rules below one root: those that always hold, `patterns` as in a .gitignore there, and files or `folders`.

    Raises ValueError for a pattern that is none.
    """

    def __init__(self, root: str, patterns: Sequence[str], folders: Sequence[str]) -> None:
        self._root = root.rstrip("/") + "/"
        try:
            self._spec = GitIgnoreSpec.from_lines(patterns, backend="simple")
        except re.error as error:
            raise ValueError(f"Invalid git pattern: {error}") from None
        self._directories = tuple(folder + "/" for folder in folders if folder.startswith(self._root))

    def covers(self, path: str, environments: MutableMapping[str, bool]) -> bool:
        """Whether a change of `path` is none; what is learnt about virtual environments is kept in `environments`.

        A folder that is there is as good as the files in it.
        """
        if self._is_ignored(path, environments):
            return True
        is_inside = len(path) >= len(self._root)
        return (
            is_inside
            and os.path.isdir(path)
            and not os.path.islink(path)
            and self._has_only_ignored(path, environments)
        )

    def _has_only_ignored(self, folder: str, environments: MutableMapping[str, bool]) -> bool:
        for parent, folders, files in os.walk(folder):
            if not all(self._is_ignored(os.path.join(parent, name), environments) for name in files):
                return False
            folders[:] = (name for name in folders if not self._is_ignored(os.path.join(parent, name), environments))
        return True

    def _is_ignored(self, path: str, environments: MutableMapping[str, bool]) -> bool:
        if not path.startswith(self._root):
            return False
        if f"{path}/".startswith(self._directories):
            return True
        inside = path[len(self._root) :]
        if DEFAULT_IGNORES.match_file(inside) or self._spec.match_file(inside):
            return True
        if self._spec.match_file(inside + "/") and not os.path.isfile(path):  # `build/` is for folders alone
            return True
        return self._is_in_virtualenv(path, environments)

    def _is_in_virtualenv(self, path: str, known: MutableMapping[str, bool]) -> bool:
        """A folder that holds a pyvenv.cfg is a virtual environment, whatever its name is."""
        if len(path) < len(self._root):
            return False
        if path not in known:
            known[path] = os.path.isfile(os.path.join(path, "pyvenv.cfg"))
        return known[path] or self._is_in_virtualenv(os.path.dirname(path), known)
