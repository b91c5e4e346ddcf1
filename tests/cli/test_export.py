"""`pmtui export`: where files are written, and what is never written."""

import os
import stat
from pathlib import Path

import pytest

from tests.cli.shell import pmtui

TARGETS = ["systemd", "compose", "kubernetes", "procfile"]
FILES = {"compose": "compose.yaml", "kubernetes": "kubernetes.yaml", "procfile": "Procfile"}
CONFIG = """
[process.a]
command = "sleep 600"
env = { PASSWORD = "${MY_PASSWORD}", DSN = "pg://u:${MY_PASSWORD}@h/db", KEY = "opensesame" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pmtui.toml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize("target", TARGETS)
def test_no_value_of_the_environment_is_written(folder: Path, target: str) -> None:
    done = pmtui(folder, "export", target, MY_PASSWORD="hunter2hunter2", OTHER="hunter2hunter2")
    assert done.returncode == 0
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_secrets_in_the_config_are_named_without_their_values(folder: Path, target: str) -> None:
    done = pmtui(folder, "export", target)
    assert "a: KEY looks secret, stands in the config, and is now in the export too" in done.stderr
    assert "opensesame" not in done.stderr


@pytest.mark.parametrize(("target", "name"), FILES.items())
def test_files_are_private_and_can_be_rewritten(folder: Path, target: str, name: str) -> None:
    path = folder / "out" / name
    for _ in range(2):
        done = pmtui(folder, "export", target, "-o", "out")
        assert (done.returncode, done.stdout) == (0, f"out/{name}\n")
    assert path.read_text().startswith("# Made by pmtui export.\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_foreign_file_is_not_overwritten(folder: Path, kind: str) -> None:
    path = folder / "Procfile"
    if kind == "file":
        path.write_text("web: mine\n")
    else:
        path.symlink_to("elsewhere")
    done = pmtui(folder, "export", "procfile", "-o", ".")
    assert done.returncode == 1
    assert "was not written by pmtui export" in done.stderr
    assert path.is_symlink() or path.read_text() == "web: mine\n"
    assert not (folder / "elsewhere").exists()


def test_units_bear_the_project_name(folder: Path) -> None:
    assert pmtui(folder, "export", "systemd", "-o", "units", "--name", "my shop").returncode == 0
    assert sorted(os.listdir(folder / "units")) == ["my-shop-a.service", "my-shop.target"]


def test_a_config_with_errors_is_not_exported(folder: Path) -> None:
    (folder / "pmtui.toml").write_text('[process.a]\ncommnd = "x"\n')
    done = pmtui(folder, "export", "compose")
    assert (done.returncode, done.stdout) == (2, "")
    assert "commnd: unknown field" in done.stderr


def test_no_config_and_an_unknown_target_are_bad_usage(tmp_path: Path) -> None:
    assert pmtui(tmp_path, "export", "compose").returncode == 2
    (tmp_path / "pmtui.toml").write_text("")
    assert pmtui(tmp_path, "export", "nomad").returncode == 2
