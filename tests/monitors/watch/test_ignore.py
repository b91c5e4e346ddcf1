"""Which files do not count as a change."""

from pathlib import Path

import pytest

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
    ],
)
def test_files_of_tools_are_always_ignored(path: str) -> None:
    assert IgnoreRules("/srv/app", [], []).covers(f"/srv/app/{path}", {})


@pytest.mark.parametrize(
    "path", ["agent.py", "src/agent.py", ".env", "catalog/agent.py", "environment/x", ".gitignore"]
)
def test_sources_are_not_ignored(path: str) -> None:
    assert not IgnoreRules("/srv/app", [], []).covers(f"/srv/app/{path}", {})


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
    assert IgnoreRules("/srv/app", patterns, []).covers(f"/srv/app/{path}", {}) is ignored


def test_the_data_directory_is_ignored_whatever_its_name() -> None:
    ignore = IgnoreRules("/srv/app", [], ["/srv/app/state"])
    assert ignore.covers("/srv/app/state/state.json", {})
    assert ignore.covers("/srv/app/state", {})
    assert not ignore.covers("/srv/app/statement.py", {})


def test_a_virtual_environment_is_recognized_by_its_pyvenv_cfg(tmp_path: Path) -> None:
    (tmp_path / "tools/env/lib").mkdir(parents=True)
    (tmp_path / "tools/env/pyvenv.cfg").touch()
    ignore = IgnoreRules(str(tmp_path), [], [])
    assert ignore.covers(f"{tmp_path}/tools/env/lib/site.py", {})
    assert ignore.covers(f"{tmp_path}/tools/env", {})
    assert not ignore.covers(f"{tmp_path}/tools/agent.py", {})


def test_a_root_within_an_ignored_directory_is_watched() -> None:
    assert not IgnoreRules("/srv/node_modules/mine", [], []).covers("/srv/node_modules/mine/index.js", {})


def test_the_root_itself_is_never_ignored() -> None:
    assert not IgnoreRules("/srv/venv", ["*"], []).covers("/srv/venv", {})


@pytest.mark.parametrize("pattern", ["!", "[z-a]", "x[9-0]"])
def test_an_invalid_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="Invalid git pattern"):
        IgnoreRules("/srv/app", [pattern], [])


def test_a_directory_is_ignored_if_everything_in_it_is(tmp_path: Path) -> None:
    (tmp_path / "pkg/node_modules/deep").mkdir(parents=True)
    (tmp_path / "pkg/node_modules/deep/index.js").touch()
    (tmp_path / "pkg/a.log").touch()
    ignore = IgnoreRules(str(tmp_path), [], [])
    assert ignore.covers(f"{tmp_path}/pkg", {})
    (tmp_path / "pkg/src").mkdir()
    assert ignore.covers(f"{tmp_path}/pkg/src", {})
    (tmp_path / "pkg/src/agent.py").touch()
    assert not ignore.covers(f"{tmp_path}/pkg/src", {})
    assert not ignore.covers(f"{tmp_path}/pkg", {})
    assert not ignore.covers(f"{tmp_path}/gone", {})
