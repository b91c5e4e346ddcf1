"""Programs, directories and arguments that cannot be executed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.running import Running, running

GOOD = {"id": "good", "command": "sleep 600"}


def make(path: Path, content: bytes, mode: int = 0o755) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


PROGRAMS: dict[str, tuple[Callable[[Path], str], str]] = {
    "missing": (lambda folder: str(folder / "missing"), "does not exist"),
    "not-executable": (
        lambda folder: make(folder / "not-executable", b"#!/bin/sh\n", 0o644),
        "is not an executable file",
    ),
    "folder": (lambda folder: str(folder), "is not an executable file"),
    "empty": (lambda folder: make(folder / "empty", b""), "neither a program nor a script"),
    "no-shebang": (lambda folder: make(folder / "no-shebang", b"echo hello\n"), "a first line such as #!/bin/sh"),
    "crlf": (lambda folder: make(folder / "crlf", b"#!/bin/sh\r\necho\r\n"), "has CR LF line endings"),
    "bad-shebang": (lambda folder: make(folder / "bad-shebang", b"#!/no/such/one\n"), "'/no/such/one'"),
    "below-a-file": (lambda folder: make(folder / "a-file", b"") + "/program", "does not exist"),
}


def given_up(manager: Running, process_id: str) -> str:
    """Return why the process could not be started."""
    eventually(lambda: manager.row(process_id)["status"] in ("crashed", "failed"))
    row = manager.row(process_id)
    assert (row["pid"], row["exitCode"], row["signal"]) == (0, None, None)
    return str(row["lastError"])


def test_a_program_that_cannot_be_executed_is_reported_with_the_reason(tmp_path: Path) -> None:
    """Missing, not executable, a directory, empty, without or with a wrong first line: each error says what is wrong
    with which file, is retried like a crash, and affects no other process."""
    commands = {name: program(tmp_path) for name, (program, _) in PROGRAMS.items()}
    config = [{"id": name, "command": command, "backoff": 600} for name, command in commands.items()]
    with running(tmp_path, [*config, GOOD]) as manager:
        manager.wait_running(["good"])
        for name, command in commands.items():
            told = given_up(manager, name)
            assert command in told
            assert PROGRAMS[name][1] in told
        assert manager.row("good")["restartCount"] == 0


def test_a_program_that_appears_later_is_started_by_the_next_attempt(tmp_path: Path) -> None:
    program = tmp_path / "late"
    with running(tmp_path, [{"id": "a", "command": str(program), "backoff": "50ms", "maxRetries": -1}]) as manager:
        manager.wait_until_served()
        eventually(lambda: str(program) in manager.row("a")["lastError"])
        make(tmp_path / "fresh", b"#!/bin/sh\nexec sleep 600\n")
        (tmp_path / "fresh").rename(program)
        manager.wait_running(["a"])


def test_a_missing_interpreter_is_reported_with_the_paths_tried(tmp_path: Path) -> None:
    """The script exists, its interpreter does not."""
    (tmp_path / "agent.py").write_text("")
    config = [{"id": "a", "script": "agent.py", "interpreter": "./no/python", "backoff": 600}]
    with running(tmp_path, config) as manager:
        manager.wait_until_served()
        assert "no/python does not exist" in given_up(manager, "a")


def test_an_unusable_working_directory_is_named(tmp_path: Path) -> None:
    """Missing, a file, or not accessible: the reason names the directory, not the program."""
    (tmp_path / "file").touch()
    (tmp_path / "locked").mkdir(mode=0)
    wrong = ["missing", "file", *(["locked"] if os.geteuid() else [])]  # root may enter every folder
    config = [{"id": name, "command": "sleep 600", "cwd": name, "backoff": 600} for name in wrong]
    with running(tmp_path, [*config, GOOD]) as manager:
        manager.wait_running(["good"])
        for name in wrong:
            assert f"cwd {tmp_path / name}" in given_up(manager, name)
    (tmp_path / "locked").chmod(0o700)


UNSPEAKABLE: dict[str, dict[str, Any]] = {
    "nul-in-an-argument": {"args": ["a\0b"]},
    "nul-in-the-environment": {"env": {"A": "a\0b"}},
    "nul-in-the-command": {"command": "slee\0p"},
    "equals-sign-in-a-name": {"env": {"A=B": "x"}},
    "empty-name": {"env": {"": "x"}},
    "lone-surrogate": {"args": ["\ud800"]},
    "lone-surrogate-in-the-environment": {"env": {"A": "\ud800"}},
    "argument-of-256-kib": {"args": ["x" * (256 << 10)]},
    "empty-command": {"command": ""},
    "blank-command": {"command": "  "},
    "number-in-the-environment": {"env": {"A": 1.5}},
    "number-as-an-argument": {"args": [1]},
}


@pytest.mark.parametrize("name", UNSPEAKABLE)
def test_impossible_arguments_fail_one_process_only(tmp_path: Path, name: str) -> None:
    """Either a config error with its position, or a failed start with its reason; the manager and the other processes
    run on."""
    with running(tmp_path, [{"id": "a", "command": "sleep", "backoff": 600} | UNSPEAKABLE[name], GOOD]) as manager:
        manager.wait_running(["good"])
        errors = manager.get("/api/pm/config")[1]["errors"]
        if "a" in [row["id"] for row in manager.list()]:
            assert given_up(manager, "a")
        else:
            assert any(": processes[0]" in error for error in map(str, errors)), errors
        assert "Traceback" not in manager.log
        assert manager.row("good")["status"] == "running"
