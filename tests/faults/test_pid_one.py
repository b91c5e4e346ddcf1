"""The manager as PID 1 of a PID namespace, as in a container."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.eventually import DEADLINE, eventually, is_alive
from tests.running import PMTUI

NAMESPACE = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]


def can_unshare() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="no PID namespaces for this user here")
def test_it_reaps_orphans_and_leaves_none(tmp_path: Path) -> None:
    (tmp_path / "pb_processes.json").write_text(json.dumps([{"id": "a", "command": "sleep 600"}]))
    with (tmp_path / "out").open("wb") as output:
        outer = subprocess.Popen([*NAMESPACE, *PMTUI, "--no-ui", "--no-api"], cwd=tmp_path, stdout=output)
    eventually(lambda: "a running" in (tmp_path / "out").read_text())
    manager = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0])
    enter = ["nsenter", f"--target={manager}", "--pid"]
    for _ in range(5):
        subprocess.run([*enter, "sh", "-c", "(sleep 0.05 &)"], check=True)
    eventually(lambda: len(children(manager)) == 1)  # the guardian: no zombie is left
    os.kill(manager, signal.SIGTERM)
    assert outer.wait(DEADLINE) == 0
    assert not is_alive(manager)
    assert "all processes have ended" in (tmp_path / "out").read_text()


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
