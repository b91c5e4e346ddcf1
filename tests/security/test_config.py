"""Invalid configs, on the command line and for a running manager: an error, never a traceback or a hang."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.eventually import DEADLINE, eventually
from tests.running import PMTUI, running

Make = Callable[[Path], object]
GOOD = json.dumps([{"id": "a", "command": "sleep 600", "env": {"FILLER": "x" * 5000}}])


def text(content: str | bytes) -> Make:
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50 << 20)


def entries(*fields: dict[str, object]) -> Make:
    return text(json.dumps([{"id": f"p{number}", "command": "true"} | own for number, own in enumerate(fields)]))


HOSTILE: dict[str, tuple[str, Make, str]] = {
    "50 MB": ("a.json", sparse, "is larger than"),
    "deep JSON": ("a.json", text("[" * 100_000 + "]" * 100_000), "is nested too deeply"),
    "deep table": ("a.json", text('{"a":' * 100_000 + "1" + "}" * 100_000), "is nested too deeply"),
    "deep TOML": ("a.toml", text("x = " + "{a = " * 100_000), "is nested too deeply"),
    "endless key": ("a.toml", text("a." * 50_000 + "b = 1"), "a.toml:1:1: error: expected a key"),
    "invalid UTF-8": ("a.json", text(b"[]\n\xff\xfe"), "a.json:2:1: error: expected UTF-8 text"),
    "UTF-16": ("a.json", text("[]".encode("utf-16")), "a.json:1:1: error: expected UTF-8 text"),
    "empty": ("a.json", text(""), "is empty"),
    "BOM alone": ("a.toml", text(b"\xef\xbb\xbf"), "is empty"),
    "folder": ("a.json", Path.mkdir, "is a folder"),
    "FIFO": ("a.json", os.mkfifo, "is a FIFO"),
    "device": ("a.json", lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "endless link": ("a.json", lambda path: path.symlink_to("a.json"), "Too many levels of symbolic links"),
    "missing": ("a.json", lambda path: None, "does not exist"),
    "cycle": (
        "a.json",
        entries({"dependsOn": ["p1"]}, {"dependsOn": ["p2"]}, {"dependsOn": ["p0"]}),
        "dependency cycle: p0 → p1 → p2 → p0",
    ),
    "itself": (
        "a.json",
        entries({"dependsOn": ["p0"]}),
        "processes[0].dependsOn.p0: a process cannot depend on itself",
    ),
    "nobody": ("a.json", entries({"dependsOn": ["px"]}), "processes[0].dependsOn.px: no process has this id"),
    "path as id": ("a.json", entries({"id": "../../etc/x"}), "a.json:1:3: error: processes[0].id: expected at most 64"),
    "look-alike": ("a.json", entries({"id": "\u0430"}), "processes[0].id: expected at most 64"),
    "long id": ("a.json", entries({"id": "x" * 300}), "processes[0].id: expected at most 64"),
    "same id": ("a.json", entries({"id": "p1"}, {}), "processes[1].id: p1 is the id of processes[0] too"),
    "typo": ("a.json", entries({"autostrat": True}), "processes[0].autostrat: unknown field, did you mean autostart?"),
    "NaN": ("a.json", entries({"backoff": float("nan")}), "processes[0].backoff: expected"),
    "huge": ("a.json", entries({"maxRetries": 10**400}), "processes[0].maxRetries: "),
    "negative": ("a.json", entries({"stopTimeout": -1}), "processes[0].stopTimeout: expected"),
    "maybe": ("a.json", entries({"autostart": "maybe"}), "processes[0].autostart: expected true or false"),
    "open ${": ("a.json", entries({"env": {"A": "${B"}}), "A in env of p0: a ${ at character 1 cannot be expanded"),
    "nested ${": ("a.json", entries({"env": {"A": "${B${C}}"}}), "A in env of p0: a ${ at character 1 cannot"),
    "required": ("a.json", entries({"env": {"A": "${NOPE:?set it}"}}), "A in env of p0: NOPE is not set: set it"),
    "bomb": ("a.json", entries({"health": {"log": r"(a)\1"}}), "processes[0].health.log: "),
}


def check(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PMTUI, "check", "-c", name], cwd=folder, capture_output=True, text=True, timeout=DEADLINE)


@pytest.mark.parametrize("case", HOSTILE)
def test_the_error_is_reported_with_its_place(tmp_path: Path, case: str) -> None:
    name, make, told = HOSTILE[case]
    make(tmp_path / name)
    done = check(tmp_path, name)
    assert (done.returncode, done.stderr) == (2, "")
    assert f"{name}:" in done.stdout
    assert told in done.stdout


def test_a_value_is_never_expanded_twice_nor_silently_empty(tmp_path: Path) -> None:
    environment = {"A": "$${X}", "B": "${A}", "C": "${NOPE}", "D": "${NOPE:-two\nlines}"}
    command = 'printf "%s|" "$A" "$B" "$C" "$D"'
    config = [{"id": "a", "command": command, "shell": True, "env": environment, "restart": "never"}]
    with running(tmp_path, config) as manager:
        manager.wait_until_served()
        eventually(lambda: manager.row("a")["status"] == "completed")
        lines = [line["text"] for line in manager.get("/api/pm/a/logs?stream=stdout")[1]]
        assert lines == ["${X}|${X}||two", "lines|"]
        eventually(lambda: "C in env of a: ${NOPE} is not set, so it is empty" in manager.log)
        assert "C in env of a: ${NOPE} is not set" in check(tmp_path, "pb_processes.json").stdout


def test_a_partial_or_missing_config_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    with running(tmp_path, GOOD) as manager:
        pid = manager.wait_running(["a"])["a"]
        path, is_over = tmp_path / "pb_processes.json", threading.Event()

        def rewrite() -> None:
            """Write it like a careless editor: in pieces, and sometimes not at all."""
            while not is_over.is_set():
                path.unlink(missing_ok=True)
                with path.open("w", buffering=1) as file:
                    for start in range(0, len(GOOD), 1000):
                        file.write(GOOD[start : start + 1000])
                        file.flush()

        writing = threading.Thread(target=rewrite)
        writing.start()
        try:
            answers = [manager.post("/api/pm/reload") for _ in range(100)]
            while not any(changes["errors"] for _, changes in answers):  # it has not begun to write yet
                answers.append(manager.post("/api/pm/reload"))
        finally:
            is_over.set()
            writing.join()
        assert {status for status, _ in answers} == {200}
        good = [changes for _, changes in answers if not changes["errors"]]
        assert not [changes for changes in good if changes["unchanged"] != ["a"]]
        assert manager.row("a")["pid"] == pid
        path.write_text(GOOD[: len(GOOD) // 2])
        manager.process.send_signal(signal.SIGHUP)
        eventually(lambda: "reload: nothing changed, because of the errors\n" in manager.log)
        assert len(manager.get("/api/pm/config")[1]["errors"]) == 1
        assert manager.log.count("ERROR") == 1
        assert manager.row("a")["pid"] == pid
