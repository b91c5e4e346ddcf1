"""Which changed files below a watched directory are ignored."""

import os
import re
from collections.abc import Sequence
from functools import partial

from pathspec import GitIgnoreSpec

from pmtui.monitors.watch.directories import DirectoryCache, verdict

IGNORED_NAMES = frozenset(
    (
        # version control, dependencies and caches
        *(".git", ".hg", ".svn", ".jj", "node_modules", "bower_components", "__pycache__", ".venv", "venv", ".bundle"),
        *(".cache", ".eggs", ".gradle", ".hypothesis", ".ipynb_checkpoints", ".nox", ".nyc_output", ".parcel-cache"),
        *(".pnpm-store", ".terraform", ".tox", ".turbo", ".yarn", "htmlcov"),
        # what frameworks generate
        *(".angular", ".astro", ".docusaurus", ".expo", ".next", ".nuxt", ".output", ".serverless", ".svelte-kit"),
        *(".vercel", ".vite", ".wrangler"),
        # projects and histories of editors
        *(".classpath", ".fleet", ".history", ".idea", ".project", ".settings", ".vs", ".vscode", ".zed"),
        # file managers, the file by which Vim tests a directory, and PocketBase's database
        *(".DS_Store", ".directory", "Thumbs.db", "desktop.ini", "4913", "pb_data"),
    )
)
"""Files and directories of these names never count, wherever they are."""
DEFAULT_IGNORES = GitIgnoreSpec.from_lines(
    (
        *("*.log", "*.pyc", "*.pyo", "*.egg-info", "*.tsbuildinfo", ".coverage*"),
        ".*_cache",  # of mypy, pytest and ruff
        # temporary files of editors
        *("*~", ".*.sw?", "*.sw[po]", ".#*", r"\#*#", ".*.kate-swp", "*___jb_*___", ".goutputstream-*", ".~lock.*#"),
        *("*.sublime-workspace", "*.code-workspace", "*.iml"),
        *(".fuse_hidden*", ".nfs*"),  # files that were removed while open
    ),
    backend="simple",  # RE2 refuses some of the patterns that git takes
)


class IgnoreRules:
    """The rules below one root: the defaults, `excluded` paths, .gitignore files, and `patterns` like theirs.

    `patterns` are asked before the .gitignore files, so that `!name` includes what those ignore.
    Raises ValueError if a pattern is invalid.
    """

    def __init__(self, root: str, patterns: Sequence[str], excluded: Sequence[str]) -> None:
        self._root = root.rstrip("/") + "/"
        try:
            self._spec = GitIgnoreSpec.from_lines(patterns, backend="simple")
        except re.error as error:
            raise ValueError(f"Invalid git pattern: {error}") from None
        self._excluded = tuple(path + "/" for path in excluded if path.startswith(self._root))

    def covers(self, path: str, directories: DirectoryCache) -> bool:
        """Whether a change of `path` is ignored; a directory is if everything in it is."""
        if self._is_ignored(path, directories):
            return True
        is_inside = len(path) >= len(self._root)
        return (
            is_inside and os.path.isdir(path) and not os.path.islink(path) and self._has_only_ignored(path, directories)
        )

    def _has_only_ignored(self, directory: str, directories: DirectoryCache) -> bool:
        for parent, subdirectories, files in os.walk(directory):
            inside = partial(os.path.join, parent)
            if not all(self._is_ignored(inside(name), directories) for name in files):
                return False
            subdirectories[:] = (name for name in subdirectories if not self._is_ignored(inside(name), directories))
        return True

    def _is_ignored(self, path: str, directories: DirectoryCache) -> bool:
        if not path.startswith(self._root):
            return False
        if f"{path}/".startswith(self._excluded):
            return True
        inside = path[len(self._root) :]
        if not IGNORED_NAMES.isdisjoint(inside.split("/")) or DEFAULT_IGNORES.match_file(inside):
            return True
        is_ignored = verdict(self._spec, inside, path)
        if is_ignored is None:
            is_ignored = directories.is_git_ignored(path, self._root.rstrip("/"))
        return is_ignored or directories.is_in_virtualenv(path, self._root.rstrip("/"))
