"""Hostile names of files, directories and programs: they forge no line, reach no terminal and crash nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.eventually import DEADLINE, eventually, watched_folders
from tests.running import PMTUI, running

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
STUBBORN = """
import ctypes, signal, time
ctypes.CDLL(None).prctl(15, b"\\x1b]0;P\\x07\\nfaked", 0, 0, 0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


def pmtui(folder: Path, *words: str) -> str:
    done = subprocess.run([*PMTUI, *words], cwd=folder, capture_output=True, timeout=DEADLINE)
    assert b"Traceback" not in done.stderr, done.stderr
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def test_a_directory_whose_name_is_not_utf_8_works(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\x1b[2J"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    config = [{"id": "a", "command": "sleep 600"}, {"id": "b", "command": "./none"}]
    with running(folder, config) as manager:
        manager.wait_running(["a"])
        for path in ("a", "b", "a/logs/files", "config", "graph", "list"):
            assert manager.get(f"/api/pm/{path}")[0] == 200
        for words in (["list"], ["info", "a"], ["info", "b"], ["events"], ["check"], ["doctor"], ["reload"]):
            assert not CONTROL.search(pmtui(folder, *words)), words
        assert manager.stop() == 0
        assert not CONTROL.search(manager.log)


def test_a_program_that_renames_itself_forges_no_line(tmp_path: Path) -> None:
    config = [{"id": "a", "command": sys.executable, "args": ["-c", STUBBORN], "stopTimeout": "0.2s"}]
    with running(tmp_path, config) as manager:
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        assert manager.post("/api/pm/a/stop")[0] == 200
        eventually(lambda: "had to be killed" in manager.log)
        told = [pmtui(tmp_path, "list"), pmtui(tmp_path, "events"), pmtui(tmp_path, "info", "a"), manager.log]
        for text in told:
            assert not CONTROL.search(text)
            assert not re.search("^faked", text, re.MULTILINE)
            assert not re.search(r"\[pmtui\] faked", text)


def test_the_name_of_a_changed_file_forges_no_line(tmp_path: Path) -> None:
    config = [{"id": "a", "command": "sleep 600", "devMode": True, "watchPaths": ["w"], "watchDebounce": "0.1s"}]
    (tmp_path / "w").mkdir()
    with running(tmp_path, config) as manager:
        pid = manager.wait_running(["a"])["a"]
        eventually(lambda: (tmp_path / "w").stat().st_ino in watched_folders(manager.pid))
        for count, name in enumerate([b"x\n2026 ERROR [pmtui] faked", b"\x1b]0;pwn\x07", b"\xff\xfe.py"], start=1):
            Path(os.fsdecode(os.fsencode(tmp_path / "w") + b"/" + name)).touch()
            eventually(lambda count=count: manager.row("a")["restartCount"] >= count)  # type: ignore[misc]
        assert manager.wait_running(["a"])["a"] != pid
        assert not CONTROL.search(manager.log)
        assert not re.search(r"^2026 ERROR", manager.log, re.MULTILINE)
        assert not re.search(r"INFO +\[pmtui\] 2026 ERROR", manager.log)
        assert not CONTROL.search(pmtui(tmp_path, "events") + pmtui(tmp_path, "list"))


def test_names_in_a_config_reach_no_terminal(tmp_path: Path) -> None:
    evil = "\x1b]0;pwn\x07\n\u202e"
    entry = {"id": "a", "command": f"/{evil}", "cwd": f"/{evil}", "env": {evil: "x", "B": "${" + evil}, evil: 1}
    plain = {"id": "b", "script": f"{evil}.py", "envFile": evil, "interpreter": evil}
    (tmp_path / "pb_processes.json").write_text(json.dumps([entry, plain]))
    text = pmtui(tmp_path, "check")
    assert "processes[0]" in text
    assert not CONTROL.search(text)
    assert "\u202e" not in text
