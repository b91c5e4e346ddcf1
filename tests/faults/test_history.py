"""The history when the manager is killed, and on a full disk."""

import json
from pathlib import Path

from tests.eventually import eventually
from tests.faults.test_log_disk import LINES, fill, last_number, needs_mount, on_small_disk
from tests.running import Running, running

WEB = {"id": "web", "command": "echo serving; sleep 600", "shell": True, "backoff": "10ms"}


def ends_of(manager: Running, process_id: str = "web") -> list[dict[str, object]]:
    events = manager.get(f"/api/pm/{process_id}/events?since=1h")[1]
    return [event for event in events if "exitCode" in event]


def test_a_killed_manager_loses_no_history(tmp_path: Path) -> None:
    with running(tmp_path, [WEB]) as manager:
        manager.wait_running(["web"])
        eventually(lambda: manager.get("/api/pm/web/logs")[1])
        assert manager.post("/api/pm/web/signal/SIGKILL")[0] == 200
        eventually(lambda: len(ends_of(manager)) == 1)
        eventually(lambda: any(manager.get("/api/pm/web/history?since=5m")[1]["memory"]))
        manager.process.kill()
        manager.process.wait()
    with running(tmp_path, [WEB]) as manager:
        manager.wait_running(["web"])
        assert [(end["signal"], end["lastWords"]) for end in ends_of(manager)] == [("SIGKILL", ["serving"])]
        assert any(manager.get("/api/pm/web/history?since=5m")[1]["memory"])
        assert "history" not in manager.log


@needs_mount
def test_a_full_disk_costs_only_the_history(tmp_path: Path) -> None:
    """One warning, 503, and everything that was there before is there again once the disk has room."""
    lines = LINES | {"log": {"file": False}}
    with on_small_disk(tmp_path, [lines]) as manager:
        pid = manager.wait_running(["lines"])["lines"]
        eventually(lambda: manager.get("/api/pm/lines/history")[0] == 200)
        filler = fill(manager.data)
        while (told := manager.get("/api/pm/lines/history"))[0] == 200:
            manager.post("/api/pm/lines/restart?wait=true")
        status, answer = told
        assert (status, "full" in answer["message"]) == (503, True), json.dumps(answer)
        assert manager.row("lines")["pid"] != pid
        before = last_number(manager)
        eventually(lambda: last_number(manager) > before)
        filler.unlink()
        eventually(lambda: manager.get("/api/pm/lines/history")[0] == 200)
        assert ends_of(manager, "lines")
        assert manager.stop() == 0
        assert manager.log.count("history: ") == 1  # all of it is written now
        assert "Traceback" not in manager.log
