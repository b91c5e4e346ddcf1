"""`pmtui init`: what it finds; the written config passes the check."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import pmtui
from tests.running import running

needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def init(folder: Path) -> dict[str, Any]:
    """Return the processes of the written config, which passes the check."""
    done = pmtui(folder, "init")
    assert (done.returncode, done.stderr) == (0, "")
    checked = pmtui(folder, "check")
    assert (checked.returncode, "0 errors" in checked.stdout or "no errors" in checked.stdout) == (0, True), (
        checked.stdout
    )
    return tomllib.loads((folder / "pmtui.toml").read_text())["process"]  # type: ignore[no-any-return]


def test_an_empty_directory_gets_an_example_that_runs(tmp_path: Path) -> None:
    assert list(init(tmp_path)) == ["clock"]
    with running(tmp_path, [], "-c", "pmtui.toml") as manager:
        manager.wait_running(["clock"])


def test_the_example_explains_common_fields(tmp_path: Path) -> None:
    assert "nothing to run was found; wrote an example" in pmtui(tmp_path, "init").stdout
    assert "# maxMemory" in (tmp_path / "pmtui.toml").read_text()


def test_programs_are_found_by_their_usual_names(tmp_path: Path) -> None:
    for name in ("app.py", "worker.py"):
        (tmp_path / name).touch()
    (tmp_path / ".env").write_text("A=1\n")
    assert init(tmp_path) == {
        "app": {"script": "app.py", "envFile": [".env"]},
        "worker": {"script": "worker.py", "envFile": [".env"]},
    }


def test_the_virtual_environment_is_named(tmp_path: Path) -> None:
    (tmp_path / "main.py").touch()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    assert pmtui(tmp_path, "init").stdout.splitlines()[0] == "main: main.py, by .venv/bin/python"


def test_a_procfile_takes_precedence(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: sleep 600\n")
    (tmp_path / "app.py").touch()
    assert init(tmp_path) == {"web": {"command": "sleep 600", "env": {"PORT": "5000"}}}


def test_django_runs_without_its_own_reloader(tmp_path: Path) -> None:
    (tmp_path / "manage.py").touch()
    assert init(tmp_path) == {"django": {"script": "manage.py", "args": ["runserver", "127.0.0.1:8000", "--noreload"]}}


@needs_node
def test_the_dev_server_of_a_package_is_found(tmp_path: Path) -> None:
    scripts = {"start": "node .", "dev": "vite", "build": "vite build", "worker": "node worker.js"}
    (tmp_path / "package.json").write_text(json.dumps({"name": "@shop/front", "scripts": scripts}))
    (tmp_path / "index.js").touch()
    assert init(tmp_path) == {
        "shop-front": {"command": "npm run dev"},
        "worker": {"command": "npm run worker"},
    }


def test_an_installed_script_of_the_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.scripts]\nagent = "x:main"\ngone = "x:y"\n'
    )
    (tmp_path / ".venv/bin").mkdir(parents=True)
    program = tmp_path / ".venv/bin/agent"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    assert init(tmp_path) == {"agent": {"command": ".venv/bin/agent"}}


@pytest.mark.parametrize("name", ["package.json", "pyproject.toml", "Procfile"])
def test_invalid_files_are_skipped(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"{\xff[")
    assert list(init(tmp_path)) == ["clock"]


def test_importable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "ecosystem.config.js").touch()
    (tmp_path / "docker-compose.yml").touch()
    (tmp_path / "pb_data").mkdir()
    told = pmtui(tmp_path, "init").stdout
    assert "hint: ecosystem.config.js is here: pmtui import ecosystem.config.js makes a config of it\n" in told
    assert "hint: docker-compose.yml is here: its containers are docker's" in told
    assert "hint: PocketBase is here: 'pmtui plugin install -c pmtui.toml'" in told


@pytest.mark.parametrize("name", ["pmtui.toml", "pb_processes.json", "pb_data/pb_processes.json"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    done = pmtui(tmp_path, "init")
    assert done.returncode == 1
    assert "already exists and is never overwritten" in done.stderr
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == [name.split("/")[0]]


def test_an_unwritable_directory_is_reported(tmp_path: Path) -> None:
    done = pmtui(Path("/proc/self"), "init")
    assert done.returncode == 1
    assert "cannot write " in done.stderr
