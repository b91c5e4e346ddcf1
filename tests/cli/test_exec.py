"""`pmtui exec`, as in a shell."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pmtui.cli.exec import report_causes
from pmtui.control import Detail
from tests.cli.shell import CLEAN, pmtui
from tests.eventually import DEADLINE, eventually, is_alive
from tests.fake_control import snapshot
from tests.running import PMTUI, Running

CONFIG = """
settings.port = 0
[process.db]
command = "echo $$ > db.pid; sleep 0.2; echo up; exec sleep 600"
shell = true
health = { log = "up" }
dependsOn = { job = "succeeded" }
[process.api]
command = "exec sleep 600"
shell = true
port = "auto"
dependsOn = ["db"]
[process.job]
command = "true"
restart = "never"
[process.off]
command = "false"
autostart = false
"""
NEVER_UP = 'health = { log = "never printed", startPeriod = "1h" }'  # without it, a second of running is enough
BAD = f'[process.bad]\ncommand = "echo because >&2; exit 3"\nshell = true\n{NEVER_UP}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pmtui.toml").write_text(CONFIG)
    return tmp_path


def test_a_command_runs_beside_healthy_processes_which_then_end(folder: Path) -> None:
    script = 'echo "$API_PORT $API_URL"; kill -0 $(cat db.pid) && exit 7'
    done = pmtui(folder, "exec", "--", "sh", "-c", script)
    assert done.returncode == 7, done.stderr
    port, url = done.stdout.split()
    assert url == f"http://127.0.0.1:{port}"
    lines = done.stderr.splitlines()
    assert lines[0].split() == ["PROCESS", "STATUS", "READY", "AT", "TOOK", "WAITED", "FOR"]
    assert {line.split()[0] for line in lines[1:-1]} == {"db", "api", "job"}
    assert re.fullmatch(r"ready after [\d.]+ s: job [\d.]+ s, then db [\d.]+ s, then api [\d.]+ s", lines[-1])
    assert not is_alive(int((folder / "db.pid").read_text()))
    assert not (folder / ".pmtui/instance.json").exists()


@pytest.mark.parametrize(
    ("words", "code"), [(["sh", "-c", "kill -9 $$"], 137), (["./nosuch"], 127), (["./pmtui.toml"], 126)]
)
def test_the_exit_code_is_that_of_a_shell(folder: Path, words: list[str], code: int) -> None:
    done = pmtui(folder, "exec", "-q", "--only", "job", "--", *words)
    assert done.returncode == code, done.stderr
    assert not (folder / "db.pid").exists()


@pytest.mark.parametrize(
    ("config", "words", "code", "message"),
    [
        (CONFIG, ["--only", "nobody"], 2, "nobody"),
        (CONFIG + "[process.bad]\ncomand = 'x'\n", [], 2, "comand"),
        (None, [], 2, "no config in this directory"),
        (f"{BAD}maxRetries = 0", [], 125, "  because"),
        (f"{BAD.replace('echo', 'sleep 0.1; echo')}restart = 'never'", [], 125, "bad is failed: because (exit 3"),
        (f"{BAD}maxRetries = 1\nbackoff = '100ms'", [], 125, "bad crashed and is waited for: because (exit 3"),
        ('[process.young]\ncommand = "sleep 600"', ["--timeout", "0"], 125, "young is"),
        ('[process.slow]\ncommand = "sleep 600"\nhealth = { log = "never" }', ["--timeout", "0.1s"], 125, "slow is"),
    ],
)
def test_without_healthy_processes_the_command_does_not_run(
    tmp_path: Path, config: str | None, words: list[str], code: int, message: str
) -> None:
    if config:
        (tmp_path / "pmtui.toml").write_text(config if "settings" in config else f"settings.port = 0\n{config}")
    done = pmtui(tmp_path, "exec", *words, "--", "touch", "ran")
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "ran").exists()


def test_a_process_that_has_run_for_less_than_a_second_is_not_up_yet(capsys: pytest.CaptureFixture[str]) -> None:
    row = msgspec.structs.asdict(snapshot("young"))
    report_causes([Detail(**row, argv=[], cwd="/", interpreter=None, env={}, config={}, exits=[])])
    assert capsys.readouterr().err == (
        "pmtui: young is running: without a health check it counts as up after a second\n"
    )


def test_a_signal_goes_on_to_the_command_and_everything_ends(folder: Path) -> None:
    script = "trap 'exit 9' TERM; touch ready; while :; do sleep 0.05; done"
    running = subprocess.Popen([*PMTUI, "exec", "-q", "--", "sh", "-c", script], cwd=folder, env=CLEAN)
    eventually((folder / "ready").exists)
    running.send_signal(signal.SIGTERM)
    assert running.wait(DEADLINE) == 9
    assert not is_alive(int((folder / "db.pid").read_text()))


def test_a_signal_before_the_command_gives_up(folder: Path) -> None:
    (folder / "pmtui.toml").write_text(CONFIG.replace("sleep 0.2; echo up; ", ""))
    running = subprocess.Popen([*PMTUI, "exec", "-q", "--", "touch", "ran"], cwd=folder, env=CLEAN)
    eventually(lambda: (folder / "db.pid").exists() and (folder / "db.pid").read_text())
    running.send_signal(signal.SIGTERM)
    assert running.wait(DEADLINE) == 128 + signal.SIGTERM
    assert not is_alive(int((folder / "db.pid").read_text()))
    assert not (folder / "ran").exists()


SIGNALLED_EARLY = """
import signal
from pmtui.cli.main import main
from pmtui.runtime.execution import Execution

async def run(execution, *arguments, run=Execution.run):
    signal.raise_signal(signal.SIGTERM)
    return await run(execution, *arguments)

Execution.run = run
main()
"""


def test_a_signal_just_before_the_manager_handles_signals_counts(folder: Path) -> None:
    words = [sys.executable, "-c", SIGNALLED_EARLY, "exec", "-q", "--", "touch", "ran"]
    assert subprocess.run(words, cwd=folder, env=CLEAN, timeout=DEADLINE).returncode == 128 + signal.SIGTERM
    assert not (folder / "ran").exists()


def test_nothing_survives_a_killed_exec(folder: Path) -> None:
    running = subprocess.Popen([*PMTUI, "exec", "-q", "--", "sh", "-c", "touch ready; sleep 5"], cwd=folder, env=CLEAN)
    eventually((folder / "ready").exists)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    eventually(lambda: not is_alive(int((folder / "db.pid").read_text())))


def test_beside_a_running_manager_that_one_is_used_and_left(own: Running) -> None:
    assert pmtui(own.folder, "stop", "web-2").returncode == 0
    pid = own.row("web-1")["pid"]
    done = pmtui(own.folder, "exec", "-q", "--only", "web-*", "--", "sh", "-c", "exit 4")
    assert (done.returncode, done.stderr) == (4, "")
    rows = {row["id"]: row for row in own.list()}
    assert (rows["web-1"]["pid"], rows["web-2"]["status"]) == (pid, "running")
    failed = pmtui(own.folder, "exec", "-q", "--", "true")
    assert (failed.returncode, "bad is failed" in failed.stderr) == (125, True)
    assert json.loads((own.data / "instance.json").read_text())["pid"] == own.pid
