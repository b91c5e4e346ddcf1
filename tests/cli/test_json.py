"""`--json`: what programs read."""

import json
from pathlib import Path
from typing import Any

from tests.cli.shell import pmtui
from tests.running import Running


def answer(folder: Path, *words: str, code: int = 0) -> Any:
    done = pmtui(folder, *words, "--json")
    assert done.returncode == code, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_operations_return_the_outcome_of_each_process(own: Running) -> None:
    assert answer(own.folder, "stop", "web-1") == [{"id": "web-1", "ok": True, "status": "stopped", "message": ""}]
    [started] = answer(own.folder, "start", "web-1")
    assert (started["id"], started["ok"], started["status"]) == ("web-1", True, "running")
    nobody, bad = answer(own.folder, "restart", "nobody", "bad", code=1)
    assert (nobody["id"], nobody["ok"], nobody["status"]) == ("nobody", False, None)
    assert (bad["ok"], bad["status"]) == (False, "failed")
    [requested] = answer(own.folder, "restart", "web-2", "--no-wait")
    assert (requested["ok"], requested["message"]) == (True, "restart requested")


def test_reload_signal_check_and_down_answer_in_json(own: Running) -> None:
    changes = answer(own.folder, "reload", "--dry-run")
    assert (changes["added"], changes["errors"], len(changes["unchanged"])) == ([], [], 6)
    assert answer(own.folder, "signal", "web-1", "CONT") == {"message": "Signal CONT sent", "id": "web-1"}
    (own.folder / "pb_processes.json").write_text('[{"id": "a", "comand": "x"}]')
    report = answer(own.folder, "check", code=2)
    assert (report["processes"], report["config"]) == (0, str(own.folder / "pb_processes.json"))
    assert "comand" in json.dumps(report["problems"])
    assert answer(own.folder, "down") == {"pid": own.pid, "killed": False}
