"""What a process manager promises, seen through PocketBase."""

import contextlib
import os
import signal
import time
import venv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.eventually import eventually, is_stopped, watched_folders
from tests.pocketbase.conftest import Serve

LOG_START = "date +%s.%N >> {}.starts"


def test_a_crash_is_followed_by_a_restart(serve: Serve) -> None:
    pocketbase = serve([{"id": "ai-agent", "command": "sleep 600", "backoff": "100ms"}])
    pid = pocketbase.wait_running("ai-agent")["ai-agent"]
    reply = pocketbase.fetch("POST", "/api/pm/ai-agent/signal/SIGKILL", token=pocketbase.token)
    assert reply.status == 200
    row = eventually(lambda: row if (row := pocketbase.row("ai-agent"))["pid"] not in (0, pid) else None)
    assert row is not None
    assert (row["restartCount"], row["restartReason"]) == (1, "crash")


def test_waits_1_2_4_seconds_and_at_most_30_and_not_at_all_after_a_healthy_run(serve: Serve, app: Path) -> None:
    def process(name: str, work: str, **fields: object) -> dict[str, object]:
        command = f"{LOG_START.format(name)}; {work}; date +%s.%N >> {name}.ends; exit 1"
        return {"id": name, "shell": True, "command": command, **fields}

    lasting = process("healthy", "until [ -e go ]; do sleep 0.1; done; [ -e gone ] && sleep 600; touch gone")
    pocketbase = serve([process("crasher", "true"), lasting, process("long", "true", backoff="45s")])
    long = eventually(lambda: row if (row := pocketbase.row("long")).get("nextStart") else None)
    assert long is not None
    assert datetime.fromisoformat(long["nextStart"]).timestamp() - time.time() <= 30
    eventually(lambda: pocketbase.row("healthy")["uptimeSeconds"] > 11)
    (app / "go").touch()
    eventually(lambda: len(times(app, "crasher.starts")) >= 4 and len(times(app, "healthy.starts")) >= 2)
    starts, ends = times(app, "crasher.starts"), times(app, "crasher.ends")
    waits = [start - end for start, end in zip(starts[1:4], ends, strict=False)]
    assert all(least <= wait for least, wait in zip((1, 2, 4), waits, strict=True))
    assert pocketbase.row("healthy")["failures"] == 0
    events = pocketbase.fetch("GET", "/api/pm/healthy/events", token=pocketbase.token).json
    assert [event["to"] for event in events][:3] == ["starting", "running", "starting"]  # else "crashed" before it


def times(app: Path, name: str) -> list[float]:
    path = app / name
    return [float(word) for word in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize("name", [".venv", "venv", None])
def test_finds_the_interpreter(serve: Serve, app: Path, name: str | None) -> None:
    (app / "agent.py").write_text("import sys, time\nprint(sys.executable, flush=True)\ntime.sleep(600)\n")
    if name:
        venv.create(app / name, symlinks=True)
    pocketbase = serve([{"id": "ai-agent", "script": "agent.py"}])
    pocketbase.wait_running("ai-agent")
    path = "/api/pm/ai-agent/logs?format=text"
    said = eventually(lambda: pocketbase.fetch("GET", path, token=pocketbase.token).body.decode().split())
    assert said[-1].startswith(f"{app}/{name}/bin/python" if name else str(app)) is (name is not None)


def test_a_burst_of_changes_is_one_restart_and_without_dev_mode_none(serve: Serve, app: Path) -> None:
    for name in ("watched", "unwatched"):
        (app / name).mkdir()
        (app / name / "agent.py").write_text("import time\ntime.sleep(600)\n")
    processes = [{"id": name, "script": "agent.py", "cwd": name} for name in ("watched", "unwatched")]
    processes[0]["devMode"] = True  # type: ignore[assignment]
    pocketbase = serve(processes)
    before = pocketbase.wait_running("watched", "unwatched")
    eventually(lambda: (app / "watched").stat().st_ino in watched_folders(pocketbase.manager))
    with stopped(pocketbase.manager):
        for path in (app / name / f"module{number}.py" for number in range(5) for name in ("watched", "unwatched")):
            path.write_text("x = 1\n")
    eventually(lambda: pocketbase.row("watched")["pid"] not in (0, before["watched"]))
    row = pocketbase.row("watched")
    assert (row["restartCount"], row["restartReason"]) == (1, "watch")
    assert pocketbase.row("unwatched")["pid"] == before["unwatched"]


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Suspend the process, so that it sees at once all that happens here."""
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: is_stopped(pid))
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
