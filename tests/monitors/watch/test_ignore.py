"""Which files do not count as a change."""

from pathlib import Path

import pytest

from pmtui.monitors.watch.directories import DirectoryCache
from pmtui.monitors.watch.ignore import IgnoreRules


@pytest.mark.parametrize(
    "path",
    [
        ".git/index.lock",
        "web/node_modules/react/index.js",
        "agents/__pycache__/agent.cpython-311.pyc",
        ".venv/bin/python",
        "agent.log",
        "logs/deep/agent.log",
        ".agent.py.swp",
        "agent.py~",
        ".mypy_cache/3.11/agent.json",
        "pb_data/data.db-wal",
        ".idea/workspace.xml",
        "web/.vscode/settings.json",
        "web/.next/trace",
        ".svelte-kit/generated/root.js",
        "src/#agent.py#",
        "src/.#agent.py",
        "src/.agent.py.kate-swp",
        "agent.py___jb_tmp___",
        ".turbo/daemon.log.1",
        "htmlcov/index.html",
        "shop.code-workspace",
    ],
)
def test_files_of_tools_are_always_ignored(path: str) -> None:
    assert IgnoreRules("/srv/app", [], []).covers(f"/srv/app/{path}", DirectoryCache())


@pytest.mark.parametrize(
    "path", ["agent.py", "src/agent.py", ".env", "catalog/agent.py", "environment/x", ".gitignore"]
)
def test_sources_are_not_ignored(path: str) -> None:
    assert not IgnoreRules("/srv/app", [], []).covers(f"/srv/app/{path}", DirectoryCache())


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        (["*.tmp"], "a/b.tmp", True),
        (["/build"], "build/x", True),
        (["/build"], "src/build/x", False),
        (["build/"], "src/build/x", True),
        (["docs/**/*.md"], "docs/a/b/c.md", True),
        (["*.json", "!config.json"], "config.json", False),
        (["*.json", "!config.json"], "cache.json", True),
        (["# a comment", "", "data?"], "data1/x", True),
        (["!agent.log"], "agent.log", True),
    ],
)
def test_patterns_are_those_of_gitignore_and_never_override_the_defaults(
    patterns: list[str], path: str, ignored: bool
) -> None:
    assert IgnoreRules("/srv/app", patterns, []).covers(f"/srv/app/{path}", DirectoryCache()) is ignored


def test_the_data_directory_is_ignored_whatever_its_name() -> None:
    ignore = IgnoreRules("/srv/app", [], ["/srv/app/state"])
    assert ignore.covers("/srv/app/state/state.json", DirectoryCache())
    assert ignore.covers("/srv/app/state", DirectoryCache())
    assert not ignore.covers("/srv/app/statement.py", DirectoryCache())


def test_a_virtual_environment_is_recognized_by_its_pyvenv_cfg(tmp_path: Path) -> None:
    (tmp_path / "tools/env/lib").mkdir(parents=True)
    (tmp_path / "tools/env/pyvenv.cfg").touch()
    ignore = IgnoreRules(str(tmp_path), [], [])
    assert ignore.covers(f"{tmp_path}/tools/env/lib/site.py", DirectoryCache())
    assert ignore.covers(f"{tmp_path}/tools/env", DirectoryCache())
    assert not ignore.covers(f"{tmp_path}/tools/agent.py", DirectoryCache())


def test_a_root_within_an_ignored_directory_is_watched() -> None:
    assert not IgnoreRules("/srv/node_modules/mine", [], []).covers("/srv/node_modules/mine/index.js", DirectoryCache())


def test_the_root_itself_is_never_ignored() -> None:
    assert not IgnoreRules("/srv/venv", ["*"], []).covers("/srv/venv", DirectoryCache())


@pytest.mark.parametrize("pattern", ["!", "[z-a]", "x[9-0]"])
def test_an_invalid_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="Invalid git pattern"):
        IgnoreRules("/srv/app", [pattern], [])


def test_a_directory_is_ignored_if_everything_in_it_is(tmp_path: Path) -> None:
    (tmp_path / "pkg/node_modules/deep").mkdir(parents=True)
    (tmp_path / "pkg/node_modules/deep/index.js").touch()
    (tmp_path / "pkg/a.log").touch()
    ignore = IgnoreRules(str(tmp_path), [], [])
    assert ignore.covers(f"{tmp_path}/pkg", DirectoryCache())
    (tmp_path / "pkg/src").mkdir()
    assert ignore.covers(f"{tmp_path}/pkg/src", DirectoryCache())
    (tmp_path / "pkg/src/agent.py").touch()
    assert not ignore.covers(f"{tmp_path}/pkg/src", DirectoryCache())
    assert not ignore.covers(f"{tmp_path}/pkg", DirectoryCache())
    assert not ignore.covers(f"{tmp_path}/gone", DirectoryCache())


def repository(folder: Path, ignored: str) -> Path:
    """Make a git repository with that .gitignore and a directory `api`."""
    (folder / ".git").mkdir()
    (folder / ".gitignore").write_text(ignored)
    (folder / "api").mkdir()
    return folder


def covers(root: Path, path: str, *patterns: str) -> bool:
    return IgnoreRules(str(root), patterns, []).covers(str(root / path), DirectoryCache())


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("generated/schema.py", True),
        ("api/cache.sqlite", True),
        ("api/kept.sqlite", False),
        ("api/agent.py", False),
        ("api/local.py", True),
        ("local.py", False),
    ],
)
def test_what_git_ignores_is_ignored_and_the_nearest_file_decides(tmp_path: Path, path: str, ignored: bool) -> None:
    root = repository(tmp_path, "generated/\n*.sqlite\n[bad\n")
    (root / "api/.gitignore").write_text("!kept.sqlite\n/local.py\n")
    assert covers(root, path) is ignored


def test_the_gitignore_of_the_repository_counts_below_it(tmp_path: Path) -> None:
    root = repository(tmp_path, "*.sqlite\n") / "api"
    assert covers(root, "cache.sqlite")
    assert not covers(root, "agent.py")


def test_a_root_that_git_ignores_is_watched_nevertheless(tmp_path: Path) -> None:
    root = repository(tmp_path, "dist/\n") / "dist"
    root.mkdir()
    (root / ".gitignore").write_text("*.map")
    assert not covers(root, "bundle.js")
    assert covers(root, "bundle.js.map")


def test_the_gitignore_of_a_watched_directory_counts_without_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.sqlite\n")
    assert covers(tmp_path, "cache.sqlite")


def test_watch_ignore_can_include_what_git_ignores(tmp_path: Path) -> None:
    root = repository(tmp_path, ".env\n")
    assert covers(root, ".env")
    assert not covers(root, ".env", "!.env")


def test_a_changed_gitignore_is_read_again(tmp_path: Path) -> None:
    root = repository(tmp_path, "")
    rules = IgnoreRules(str(root), [], [])
    assert not rules.covers(f"{root}/a.tmp", DirectoryCache())
    (root / ".gitignore").write_text("*.tmp\n")
    assert rules.covers(f"{root}/a.tmp", DirectoryCache())
