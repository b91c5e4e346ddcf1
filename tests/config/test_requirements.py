"""What a project says that it depends on."""

from pathlib import Path

import pytest

from pmtui.config.model import ProcessConfig
from pmtui.config.requirements import Requirement, find_requirements, fingerprint, requirement_hint

PATH = {"PATH": "/usr/bin:/bin"}
PIP = [".venv/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
VENV = ["python3", "-m", "venv", ".venv"]


def project(folder: Path, **files: str) -> ProcessConfig:
    """A process of a folder with these files; `__` in their names stands for a dot."""
    for name, text in files.items():
        path = folder / name.replace("__", ".").replace("--", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ProcessConfig(id="a", script="agent.py", cwd=str(folder))


def with_uv(folder: Path) -> dict[str, str]:
    uv = folder / "bin/uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    return {"PATH": f"{uv.parent}:{PATH['PATH']}"}


def test_a_list_of_requirements_goes_into_a_virtual_environment(tmp_path: Path) -> None:
    assert find_requirements(project(tmp_path, requirements__txt="httpx\n"), PATH) == [
        Requirement("requirements.txt", ".venv", True, [VENV, [*PIP, "-r", "requirements.txt"]])
    ]


def test_a_project_is_installed_itself(tmp_path: Path) -> None:
    assert find_requirements(project(tmp_path, pyproject__toml="[project]\nname = 'x'\n"), PATH) == [
        Requirement("pyproject.toml", ".venv", True, [VENV, [*PIP, "-e", "."]])
    ]


def test_settings_of_tools_are_no_project(tmp_path: Path) -> None:
    assert find_requirements(project(tmp_path, pyproject__toml="[tool.ruff]\n"), PATH) == []
    assert find_requirements(project(tmp_path, pyproject__toml="not toml ["), PATH) == []


def test_uv_is_used_where_it_is_there(tmp_path: Path) -> None:
    config, environment = project(tmp_path, pyproject__toml="[project]\nname = 'x'\n"), with_uv(tmp_path)
    assert find_requirements(config, environment) == [Requirement("pyproject.toml", ".venv", True, [["uv", "sync"]])]
    (need,) = find_requirements(project(tmp_path, requirements__txt=""), environment)
    assert need.steps[-1] == ["uv", "pip", "install", "--python", ".venv/bin/python", "-r", "requirements.txt"]


@pytest.mark.parametrize("home", [".venv", "venv"])
def test_an_environment_that_is_there_is_not_missing(tmp_path: Path, home: str) -> None:
    (tmp_path / home / "bin").mkdir(parents=True)
    (tmp_path / home / "bin/python").touch()
    (need,) = find_requirements(project(tmp_path, requirements__txt=""), PATH)
    assert (need.is_missing, need.target, need.steps[-1][0]) == (False, home, f"{home}/bin/python")


def node(folder: Path, **files: str) -> ProcessConfig:
    return ProcessConfig(id="a", script="server.mjs", cwd=project(folder, **files).cwd)


PACKAGE = '{"dependencies": {"express": "*"}}'


def test_a_lock_is_installed_exactly(tmp_path: Path) -> None:
    config = node(tmp_path, package__json=PACKAGE)
    assert [need.steps for need in find_requirements(config, PATH)] == [[["npm", "install"]]]
    (tmp_path / "package-lock.json").write_text("{}")
    assert find_requirements(config, PATH) == [Requirement("package.json", "node_modules", True, [["npm", "ci"]])]


@pytest.mark.parametrize(
    ("lock", "command"),
    [
        ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
        ("yarn.lock", "yarn install --frozen-lockfile"),
        ("bun.lock", "bun install --frozen-lockfile"),
        ("bun.lockb", "bun install --frozen-lockfile"),
        ("npm-shrinkwrap.json", "npm ci"),
    ],
)
def test_the_lock_file_names_the_package_manager(tmp_path: Path, lock: str, command: str) -> None:
    config = node(tmp_path, package__json=PACKAGE)
    (tmp_path / lock).touch()
    (need,) = find_requirements(config, PATH)
    assert need.steps == [command.split()]


def test_a_modern_yarn_is_asked_in_its_own_words(tmp_path: Path) -> None:
    config = node(tmp_path, package__json=PACKAGE, yarn__lock="", **{"__yarnrc__yml": ""})
    (need,) = find_requirements(config, PATH)
    assert need.steps == [["yarn", "install", "--immutable"]]


def test_the_lock_of_a_workspace_counts_for_its_members_only(tmp_path: Path) -> None:
    config = node(tmp_path / "packages/web", package__json=PACKAGE)
    (tmp_path / "pnpm-lock.yaml").touch()
    assert [need.steps for need in find_requirements(config, PATH)] == [[["npm", "install"]]]
    (tmp_path / "package.json").write_text('{"workspaces": ["packages/*"]}')
    assert [need.steps[0][0] for need in find_requirements(config, PATH)] == ["pnpm"]


def test_poetry_installs_beside_its_lock(tmp_path: Path) -> None:
    (need,) = find_requirements(project(tmp_path, pyproject__toml="[project]\nname = 'x'\n", poetry__lock=""), PATH)
    assert (need.target, need.steps[0][1:4]) == (".venv", ["POETRY_VIRTUALENVS_IN_PROJECT=true", "poetry", "install"])


@pytest.mark.parametrize("text", ['{"name": "x"}', '{"dependencies": {}}', "[]", "broken", '{"type": "module"}'])
def test_a_package_without_dependencies_needs_nothing(tmp_path: Path, text: str) -> None:
    assert find_requirements(node(tmp_path, package__json=text), PATH) == []


def test_modules_may_lie_above(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (need,) = find_requirements(node(tmp_path / "packages/web", package__json=PACKAGE), PATH)
    assert not need.is_missing


def test_the_script_tells_which_files_concern_it(tmp_path: Path) -> None:
    config = project(tmp_path, package__json=PACKAGE, requirements__txt="")
    assert [need.target for need in find_requirements(config, PATH)] == [".venv"]
    command = ProcessConfig(id="a", command="make serve", cwd=config.cwd)
    assert [need.target for need in find_requirements(command, PATH)] == [".venv", "node_modules"]


def test_a_hint_tells_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text("{}")
    hint = 'node_modules is missing beside package.json: set "install": "auto" or run npm ci'
    assert requirement_hint(node(tmp_path, package__json=PACKAGE), PATH) == hint
    assert requirement_hint(ProcessConfig(id="a", command="npm start", cwd=str(tmp_path)), PATH) == hint


def test_there_is_no_hint_for_what_may_live_elsewhere(tmp_path: Path) -> None:
    cwd = project(tmp_path, package__json=PACKAGE, requirements__txt="").cwd
    for config in (
        ProcessConfig(id="a", command="make serve", cwd=cwd),
        ProcessConfig(id="a", script="agent.py", cwd=cwd, interpreter="/opt/python"),
        ProcessConfig(id="a", script="agent.py", cwd=cwd, install="auto"),
    ):
        assert requirement_hint(config, PATH) == ""


def test_the_fingerprint_is_that_of_what_is_installed(tmp_path: Path) -> None:
    cwd = project(tmp_path, requirements__txt="a").cwd
    first = fingerprint(cwd, [])
    assert fingerprint(cwd, []) == first
    assert fingerprint(cwd, [["make"]]) != first
    (tmp_path / "notes.txt").touch()
    assert fingerprint(cwd, []) == first
    (tmp_path / "requirements.txt").write_text("b")
    assert fingerprint(cwd, []) != first
