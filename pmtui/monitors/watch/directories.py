"""What directories say about the files in them: virtual environments, and .gitignore files."""

import os
import re
from collections.abc import Iterator

from pathspec import GitIgnoreSpec


class DirectoryCache:
    """Looks at each directory once. Use a new one for each batch of changes, since directories change too."""

    def __init__(self) -> None:
        self._virtualenvs: dict[str, bool] = {}
        self._gitignores: dict[str, GitIgnoreSpec | None] = {}
        self._tops: dict[str, str] = {}

    def is_in_virtualenv(self, path: str, root: str) -> bool:
        """Whether the path, or a directory between it and the root, is a virtual environment."""
        if len(path) < len(root):
            return False
        if path not in self._virtualenvs:
            self._virtualenvs[path] = os.path.isfile(os.path.join(path, "pyvenv.cfg"))
        return self._virtualenvs[path] or self.is_in_virtualenv(os.path.dirname(path), root)

    def is_git_ignored(self, path: str, root: str) -> bool:
        """Whether .gitignore files ignore the path: those of the repository, or only those below an ignored root."""
        if root not in self._tops:
            top = repository_of(root)
            self._tops[root] = root if self._is_ignored_below(root, top) else top
        return self._is_ignored_below(path, self._tops[root])

    def _is_ignored_below(self, path: str, top: str) -> bool:
        """Ask the .gitignore files from the nearest to that of the top; the first with an opinion decides."""
        for directory in _parents(path, top):
            spec = self._gitignore(directory)
            inside = path[len(directory.rstrip("/")) + 1 :]
            if spec and (is_ignored := verdict(spec, inside, path)) is not None:
                return is_ignored
        return False

    def _gitignore(self, directory: str) -> GitIgnoreSpec | None:
        if directory not in self._gitignores:
            self._gitignores[directory] = read_gitignore(os.path.join(directory, ".gitignore"))
        return self._gitignores[directory]


def verdict(spec: GitIgnoreSpec, inside: str, path: str) -> bool | None:
    """Return whether the patterns ignore `inside`, None if none of them is about it; `path` is its full path."""
    is_ignored = spec.check_file(inside).include
    if is_ignored is None and not os.path.isfile(path):  # `build/` matches directories only
        is_ignored = spec.check_file(f"{inside}/").include
    return is_ignored


def repository_of(directory: str) -> str:
    """Return the top of the git repository, or the directory itself if it is in none."""
    top = directory
    while not os.path.exists(os.path.join(top, ".git")):
        if top == (above := os.path.dirname(top)):
            return directory
        top = above
    return top


def read_gitignore(path: str) -> GitIgnoreSpec | None:
    """Return None if there is no such file, and skip lines that git would skip as invalid."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    return GitIgnoreSpec.from_lines(filter(_is_valid, lines), backend="simple")


def _is_valid(pattern: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([pattern], backend="simple")
    except (ValueError, re.error):
        return False
    return True


def _parents(path: str, top: str) -> Iterator[str]:
    """Yield the directories above the path, up to the top."""
    while path != top and path != (above := os.path.dirname(path)):
        path = above
        yield path
