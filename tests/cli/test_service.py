"""`pmtui service`: valid units, written once and removed again."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.shell import Done, pmtui

NEEDS_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
SYSTEMCTL = '#!/bin/sh\necho "$*" >> "$CALLS"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config in a directory with a difficult name, and a systemctl that records its arguments."""
    folder = tmp_path / "my shop 100%"
    folder.mkdir()
    (folder / "pmtui.toml").write_text('[process.a]\ncommand = "sleep 600"\nstopTimeout = "40s"\n')
    tool = tmp_path / "bin" / "systemctl"
    tool.parent.mkdir()
    tool.write_text(SYSTEMCTL)
    tool.chmod(0o755)
    return folder


def service(folder: Path, *words: str) -> Done:
    base = folder.parent
    path = f"{base}/bin:{os.environ['PATH']}"
    return pmtui(folder, "service", *words, XDG_CONFIG_HOME=f"{base}/config", CALLS=f"{base}/calls", PATH=path)


def calls(folder: Path) -> list[str]:
    """Return the systemctl calls since the last time."""
    path = folder.parent / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


NAME = "pmtui-my-shop-100-.service"


def test_a_unit_is_written_and_started(folder: Path) -> None:
    done = service(folder, "install", "--user")
    assert (done.returncode, done.stderr) == (0, "")
    text = (folder.parent / "config/systemd/user" / NAME).read_text()
    assert "Type=notify\n" in text
    assert "WatchdogSec=60\n" in text
    assert "TimeoutStopSec=55\n" in text
    assert f"WorkingDirectory={folder.parent}/my shop 100%%\n" in text
    assert calls(folder) == ["--user daemon-reload", f"--user enable --now {NAME}"]


def test_a_second_install_changes_nothing(folder: Path) -> None:
    service(folder, "install", "--user")
    calls(folder)
    done = service(folder, "install", "--user")
    assert done.returncode == 0
    assert "is up to date" in done.stdout
    assert calls(folder) == [f"--user enable --now {NAME}"]


def test_a_changed_unit_is_rewritten_and_restarted(folder: Path) -> None:
    service(folder, "install", "--user")
    calls(folder)
    (folder / "pmtui.toml").write_text('[process.a]\ncommand = "sleep 600"\nstopTimeout = "90s"\n')
    assert service(folder, "install", "--user").returncode == 0
    assert calls(folder)[-1] == f"--user restart {NAME}"


def test_uninstall_stops_and_removes_it(folder: Path) -> None:
    service(folder, "install", "--user")
    calls(folder)
    assert service(folder, "uninstall", "--user").returncode == 0
    assert not (folder.parent / "config/systemd/user" / NAME).exists()
    assert calls(folder) == [f"--user disable --now {NAME}", "--user daemon-reload"]


def test_uninstalling_nothing_succeeds(folder: Path) -> None:
    done = service(folder, "uninstall", "--user")
    assert (done.returncode, calls(folder)) == (0, [])
    assert "nothing to do" in done.stdout


@pytest.mark.parametrize("what", ["install", "uninstall"])
def test_a_foreign_unit_is_not_touched(folder: Path, what: str) -> None:
    path = folder.parent / "config/systemd/user" / NAME
    path.parent.mkdir(parents=True)
    path.write_text("[Unit]\n")
    done = service(folder, what, "--user")
    assert done.returncode == 1
    assert "was not written by pmtui" in done.stderr
    assert path.read_text() == "[Unit]\n"


def test_a_dry_run_prints_the_unit_and_does_nothing(folder: Path) -> None:
    done = service(folder, "install", "--user", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("# Made by pmtui service install.\n[Unit]\n")
    assert f"# systemctl --user enable --now {NAME}\n" in done.stdout
    assert not (folder.parent / "config").exists()
    assert calls(folder) == []


def test_a_failing_systemctl_reports_the_remaining_commands(folder: Path) -> None:
    (folder.parent / "bin/systemctl").write_text("#!/bin/sh\necho 'no bus here' >&2\nexit 1\n")
    done = service(folder, "install", "--user")
    assert done.returncode == 1
    assert "no bus here" in done.stderr
    assert f"; left to do: systemctl --user daemon-reload; systemctl --user enable --now {NAME}" in done.stderr


def test_no_config_is_bad_usage(tmp_path: Path) -> None:
    assert pmtui(tmp_path, "service", "install", "--dry-run").returncode == 2


@NEEDS_SYSTEMD
@pytest.mark.parametrize("where", ["--user", "--system"])
def test_systemd_accepts_the_unit(folder: Path, where: str) -> None:
    path = folder.parent / "pmtui-test.service"
    path.write_text(service(folder, "install", where, "--dry-run").stdout)
    manager = [where] if where == "--user" else []
    done = subprocess.run(
        ["systemd-analyze", *manager, "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder.parent)},
    )
    assert (done.returncode, done.stderr) == (0, "")
