"""`--bind-to PID`: the manager ends with another process."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui.runtime.host import KILL_DELAY
from tests.cli.shell import pmtui
from tests.eventually import DEADLINE, eventually, is_alive, is_stopped
from tests.running import running

CONFIG = [{"id": "web", "command": "sleep 600"}]
END = "until [ -e go ]; do sleep 0.05; done; echo done > done; exit"
SLOW = {
    "id": "slow",
    "command": f"trap '{END}' TERM; echo ready > ready; while :; do sleep 0.1; done",
    "shell": True,
    "stopTimeout": "10m",
}


@pytest.fixture
def host() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_the_manager_ends_with_its_host(tmp_path: Path, host: "subprocess.Popen[bytes]") -> None:
    with running(tmp_path, CONFIG, "--bind-to", str(host.pid)) as manager:
        pid = manager.wait_running(["web"])["web"]
        assert manager.get("/api/pm/config")[1]["host"] == f"sleep (pid {host.pid})"
        host.kill()
        assert manager.process.wait(DEADLINE) == 0
        assert not is_alive(pid)
        assert f"sleep (pid {host.pid}) has ended: stopping all processes" in manager.log


def test_in_the_background_too(tmp_path: Path, host: "subprocess.Popen[bytes]") -> None:
    (tmp_path / "pmtui.toml").write_text('[process.web]\ncommand = "sleep 600"\n')
    done = pmtui(tmp_path, "-d", "--port", "0", "--bind-to", str(host.pid))
    assert done.returncode == 0, done.stderr
    instance = tmp_path / ".pmtui" / "instance.json"
    assert instance.exists()
    host.kill()
    eventually(lambda: not instance.exists())


def test_a_stop_that_was_asked_for_before_is_not_hurried(tmp_path: Path, host: "subprocess.Popen[bytes]") -> None:
    with running(tmp_path, [SLOW], "--bind-to", str(host.pid)) as manager:
        manager.wait_running(["slow"])
        eventually((tmp_path / "ready").exists)
        manager.process.terminate()
        eventually(lambda: '"stopping": true' in (manager.data / "instance.json").read_text())
        host.kill()
        time.sleep(KILL_DELAY + 0.5)
        (tmp_path / "go").touch()
        assert manager.process.wait(DEADLINE) == 0
    assert (tmp_path / "done").exists()


def test_a_signal_that_reaches_the_manager_after_the_end_of_its_host_hurries_nothing(
    tmp_path: Path, host: "subprocess.Popen[bytes]"
) -> None:
    with running(tmp_path, [SLOW], "--bind-to", str(host.pid)) as manager:
        manager.wait_running(["slow"])
        eventually((tmp_path / "ready").exists)
        manager.process.send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(manager.pid))
        host.kill()
        host.wait()
        manager.process.terminate()
        manager.process.send_signal(signal.SIGCONT)
        eventually(lambda: "SIGTERM: stopping all processes" in manager.log)
        time.sleep(KILL_DELAY + 0.5)
        (tmp_path / "go").touch()
        assert manager.process.wait(DEADLINE) == 0
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("word", ["0", "-1", "x", "1.5", ""])
def test_what_is_no_pid_is_2(tmp_path: Path, word: str) -> None:
    done = pmtui(tmp_path, "--no-ui", "--bind-to", word)
    assert (done.returncode, "--bind-to" in done.stderr) == (2, True)


@pytest.mark.parametrize("mode", ["-d", "--no-ui"])
def test_a_host_that_is_gone_is_1_and_starts_nothing(tmp_path: Path, mode: str) -> None:
    with subprocess.Popen(["true"]) as gone:
        os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
        done = pmtui(tmp_path, mode, "--bind-to", str(gone.pid))  # a zombie
        assert (done.returncode, "has ended already" in done.stderr) == (1, True)
    done = pmtui(tmp_path, mode, "--bind-to", str(gone.pid))
    assert (done.returncode, "no such process" in done.stderr) == (1, True)
    assert not (tmp_path / ".pmtui").exists()


def test_a_dashboard_has_no_host(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "--bind-to", str(os.getpid()))
    assert (done.returncode, "add -d or --no-ui" in done.stderr) == (2, True)
