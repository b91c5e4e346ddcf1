"""The virtual environment of a process: which one it is, and that everything it starts uses it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.environment import build_environment
from pmtui.config.interpreter import resolve
from pmtui.config.model import ProcessConfig, Settings
from pmtui.config.virtualenv import find_virtualenv


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory / ".venv"], check=True)
    return directory / ".venv"


def virtualenv(directory: Path, made: Path, name: str = ".venv") -> Path:
    """A virtual environment whose programs are those of a real one."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", made, directory / name], check=True)
    return directory / name


def process(root: Path, cwd: str = "", **fields: Any) -> ProcessConfig:
    (root / cwd).mkdir(parents=True, exist_ok=True)
    return ProcessConfig(id="a", folder=str(root), cwd=str(root / cwd), **fields)


def environment(config: ProcessConfig, **base: str) -> dict[str, str]:
    return build_environment(config, Settings(), {"PATH": "/usr/bin:/bin"} | base, {})[0]


def test_a_command_finds_the_programs_of_the_virtual_environment(tmp_path: Path, made: Path) -> None:
    found = virtualenv(tmp_path, made)
    program = found / "bin" / "gunicorn"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    config = process(tmp_path, command="gunicorn app:app")
    env = environment(config)
    assert resolve(config, env).argv == [str(program), "app:app"]
    assert (env["PATH"], env["VIRTUAL_ENV"]) == (f"{found}/bin:/usr/bin:/bin", str(found))


def test_python_and_what_it_starts_use_the_virtual_environment(tmp_path: Path, made: Path) -> None:
    found = virtualenv(tmp_path, made)
    config = process(tmp_path, command="python", args=["-c", "import sys; print(sys.prefix)"])
    env = environment(config)
    ran = subprocess.run(resolve(config, env).argv, env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(found)


@pytest.mark.parametrize("fields", [{"command": "python -m celery"}, {"script": "worker.py"}])
def test_a_member_of_a_monorepo_uses_the_one_at_the_root(tmp_path: Path, made: Path, fields: dict[str, str]) -> None:
    found = virtualenv(tmp_path, made)
    config = process(tmp_path, "services/worker", **fields)
    (tmp_path / "services/worker/worker.py").touch()
    command = resolve(config, environment(config))
    assert command.argv[0] == f"{found}/bin/python"
    assert environment(config)["VIRTUAL_ENV"] == str(found)


def test_where_an_interpreter_was_found_is_said(tmp_path: Path, made: Path) -> None:
    found = virtualenv(tmp_path, made)
    config = process(tmp_path, "worker", script="worker.py")
    (tmp_path / "worker/worker.py").touch()
    said = resolve(config, environment(config)).found
    assert said == f"{found}/bin/python: .venv of the parent directory {tmp_path}"


def test_the_nearest_one_wins_and_dot_venv_comes_before_venv(tmp_path: Path, made: Path) -> None:
    virtualenv(tmp_path, made)
    config = process(tmp_path, "services/worker", command="python")
    above = virtualenv(tmp_path / "services", made, "venv")
    assert find_virtualenv(config) == str(above)
    preferred = virtualenv(tmp_path / "services", made)
    assert find_virtualenv(config) == str(preferred)
    nearest = virtualenv(tmp_path / "services/worker", made, "venv")
    assert find_virtualenv(config) == str(nearest)


def test_no_parent_above_the_config_is_looked_at(tmp_path: Path, made: Path) -> None:
    virtualenv(tmp_path, made)
    assert find_virtualenv(process(tmp_path / "project", "worker", command="python")) is None


def test_the_one_of_the_script_is_used_outside_its_directory(tmp_path: Path, made: Path) -> None:
    found = virtualenv(tmp_path / "agents", made)
    (tmp_path / "agents/agent.py").touch()
    config = process(tmp_path, script="agents/agent.py")
    assert environment(config)["VIRTUAL_ENV"] == str(found)
    assert resolve(config, environment(config)).argv[0] == f"{found}/bin/python"


def test_an_interpreter_that_is_named_brings_its_own(tmp_path: Path, made: Path) -> None:
    virtualenv(tmp_path, made)
    other = virtualenv(tmp_path / "other", made)
    config = process(tmp_path, script="a.py", interpreter="other/.venv/bin/python")
    assert environment(config)["VIRTUAL_ENV"] == str(other)
    assert "VIRTUAL_ENV" not in environment(process(tmp_path, script="a.py", interpreter="python3"))


def test_what_the_config_sets_wins(tmp_path: Path, made: Path) -> None:
    found = virtualenv(tmp_path, made)
    config = process(tmp_path, command="x", env={"PATH": "/opt/bin:${PATH}"})
    assert environment(config)["PATH"] == f"/opt/bin:{found}/bin:/usr/bin:/bin"


def test_the_virtual_environment_of_pmtui_is_never_that_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", "/opt/pmtui")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    env = environment(process(tmp_path, command="x"), PATH="/opt/pmtui/bin:/usr/bin", VIRTUAL_ENV="/opt/pmtui")
    assert env == {"PATH": "/usr/bin"}
    assert environment(process(tmp_path, command="x"), VIRTUAL_ENV="/home/me/env")["VIRTUAL_ENV"] == "/home/me/env"


def test_without_any_nothing_is_set(tmp_path: Path) -> None:
    assert environment(process(tmp_path, command="x")) == {"PATH": "/usr/bin:/bin"}
