"""Closed standard files, and descriptors that are reused."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import DEADLINE, eventually, open_links
from tests.running import PMTUI, Running, running

WINDOW = 1.0
"""Seconds in which the CPU time of those that should do nothing is looked at; a busy loop takes most of it."""


def shell(process_id: str, line: str, **fields: Any) -> dict[str, Any]:
    return {"id": process_id, "command": line, "shell": True} | fields


def cpu_seconds(*pids: int) -> float:
    """Return their user and system time."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def comes_to_rest(manager: Running) -> bool:
    """Whether neither the manager nor its guardian is in a busy loop, which never comes to rest."""
    pids = manager.pid, manager.guardian
    before = cpu_seconds(*pids)
    time.sleep(WINDOW)
    return cpu_seconds(*pids) - before < WINDOW / 3


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_process_that_closes_its_output_runs_on_and_costs_nothing(tmp_path: Path, closed: str) -> None:
    """Both pipes are at their end although the process lives: it counts as running, the pipes are not polled in a loop,
    and a stop ends it."""
    with running(tmp_path, [shell("a", f"echo up; exec sleep 600 {closed}")]) as manager:
        pid = manager.wait_running(["a"])["a"]
        eventually(lambda: "[a][STDOUT] up" in manager.log)
        eventually(lambda: comes_to_rest(manager))
        assert (manager.row("a")["status"], manager.row("a")["pid"]) == ("running", pid)
        assert manager.post("/api/pm/a/stop")[0] == 200


def test_reused_descriptors_are_not_mixed_up(tmp_path: Path) -> None:
    """Ten processes exit and start again twenty times, so that their pipes keep getting each other's numbers: every
    line is in the log of the process that wrote it, none is lost, nothing stays open and nothing spins."""
    ids = [f"p{number}" for number in range(10)]
    line = "echo $PMTUI_ID out; echo $PMTUI_ID err >&2; exit 1"
    config = [shell(name, line, backoff=0, maxRetries=20) for name in ids]
    with running(tmp_path, [*config, shell("calm", "sleep 600")]) as manager:
        manager.wait_running(["calm"])
        eventually(lambda: [row["status"] for row in manager.list()].count("failed") == 10)
        for name in ids:
            lines = manager.get(f"/api/pm/{name}/logs?lines=1000")[1]
            assert sorted(line["text"] for line in lines) == [f"{name} err"] * 21 + [f"{name} out"] * 21
        pipes = [link for link in open_links(manager.pid) if link.startswith("pipe:")]
        assert len(pipes) == 2  # those of the calm one
        eventually(lambda: descriptors(manager.guardian) < 15)
        eventually(lambda: comes_to_rest(manager))


def test_closed_standard_files_are_not_reused(tmp_path: Path) -> None:
    """The manager is started with stdin, stdout and stderr closed: no socket and no log gets their numbers."""
    (tmp_path / "pb_processes.json").write_text(json.dumps([shell("a", "sleep 600")]))
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *PMTUI, "--no-ui", "--port", "0"]
    manager = subprocess.Popen(command, cwd=tmp_path)
    eventually(lambda: (tmp_path / ".pmtui/instance.json").exists())
    assert {os.readlink(f"/proc/{manager.pid}/fd/{number}") for number in range(3)} == {"/dev/null"}
    manager.terminate()
    assert manager.wait(DEADLINE) == 0
