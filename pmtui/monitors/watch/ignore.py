"""Which changed files below a watched directory are ignored."""

import os
import re
from collections.abc import MutableMapping, Sequence
from functools import partial

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
        *("*~", ".*.sw?", ".#*", "4913", ".DS_Store"),  # temporary files of editors and file managers
    ),
    backend="simple",  # RE2 refuses some of the patterns that git takes
)


class IgnoreRules:
    """The rules below one root: the defaults, `patterns` as in a .gitignore there, and `excluded` paths.

    Raises ValueError if a pattern is invalid.
    """

    def __init__(self, root: str, patterns: Sequence[str], excluded: Sequence[str]) -> None:
        self._root = root.rstrip("/") + "/"
        try:
            self._spec = GitIgnoreSpec.from_lines(patterns, backend="simple")
        except re.error as error:
            raise ValueError(f"Invalid git pattern: {error}") from None
        self._excluded = tuple(path + "/" for path in excluded if path.startswith(self._root))

    def covers(self, path: str, virtualenvs: MutableMapping[str, bool]) -> bool:
        """Whether a change of `path` is ignored; a directory is if everything in it is.

        `virtualenvs` caches which directories are virtual environments.
        """
        if self._is_ignored(path, virtualenvs):
            return True
        is_inside = len(path) >= len(self._root)
        return (
            is_inside and os.path.isdir(path) and not os.path.islink(path) and self._has_only_ignored(path, virtualenvs)
        )

    def _has_only_ignored(self, directory: str, virtualenvs: MutableMapping[str, bool]) -> bool:
        for parent, directories, files in os.walk(directory):
            inside = partial(os.path.join, parent)
            if not all(self._is_ignored(inside(name), virtualenvs) for name in files):
                return False
            directories[:] = (name for name in directories if not self._is_ignored(inside(name), virtualenvs))
        return True

    def _is_ignored(self, path: str, virtualenvs: MutableMapping[str, bool]) -> bool:
        if not path.startswith(self._root):
            return False
        if f"{path}/".startswith(self._excluded):
            return True
        inside = path[len(self._root) :]
        if DEFAULT_IGNORES.match_file(inside) or self._spec.match_file(inside):
            return True
        if self._spec.match_file(inside + "/") and not os.path.isfile(path):  # `build/` matches directories only
            return True
        return self._is_in_virtualenv(path, virtualenvs)

    def _is_in_virtualenv(self, path: str, known: MutableMapping[str, bool]) -> bool:
        """Whether the path is below a virtual environment: a directory with a pyvenv.cfg."""
        if len(path) < len(self._root):
            return False
        if path not in known:
            known[path] = os.path.isfile(os.path.join(path, "pyvenv.cfg"))
        return known[path] or self._is_in_virtualenv(os.path.dirname(path), known)
