"""Notifications for systemd, with a real socket and a real manager."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui.runtime.sd_notify import Notifier
from tests.eventually import DEADLINE, eventually
from tests.running import running


@pytest.fixture
def service(tmp_path: Path) -> Iterator[socket.socket]:
    """Open the socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.settimeout(DEADLINE)
        yield end


def until(service: socket.socket, state: str) -> list[str]:
    """Return all notifications up to that state."""
    told: list[str] = []
    while state not in told:
        told += service.recv(4096).decode().split("\n")
    return told


def test_ready_and_stopping_are_sent(tmp_path: Path, service: socket.socket) -> None:
    with running(tmp_path, [], env={"NOTIFY_SOCKET": service.getsockname()}) as manager:
        assert until(service, "READY=1") == ["READY=1", f"MAINPID={manager.pid}"]
        assert manager.stop() == 0
        assert until(service, "STOPPING=1") == ["STOPPING=1"]


def test_the_watchdog_is_told_again_and_again_by_the_manager_alone(tmp_path: Path, service: socket.socket) -> None:
    config = [{"id": "a", "command": "env > env; mv env env.txt; sleep 600", "shell": True}]
    env = {"NOTIFY_SOCKET": service.getsockname(), "WATCHDOG_USEC": "300000"}
    with running(tmp_path, config, env=env):
        for _ in range(3):
            until(service, "WATCHDOG=1")
        eventually((tmp_path / "env.txt").exists)
    environment = (tmp_path / "env.txt").read_text()
    assert "PMTUI_ID=a" in environment
    assert "NOTIFY_SOCKET" not in environment
    assert "WATCHDOG" not in environment


def test_the_variables_are_removed_from_the_environment() -> None:
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1", "PATH": "/bin"}
    Notifier.from_environment(environment)
    assert environment == {"PATH": "/bin"}


def test_an_abstract_address_works() -> None:
    name = f"pmtui-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0{name}")
        end.settimeout(DEADLINE)
        Notifier.from_environment({"NOTIFY_SOCKET": f"@{name}"}).notify("READY=1")
        assert end.recv(64) == b"READY=1"


@pytest.mark.parametrize(("pid", "seconds"), [(1, 0), (os.getpid(), 2.5)], ids=["another", "ours"])
def test_the_watchdog_of_another_process_is_ignored(pid: int, seconds: float) -> None:
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "2500000", "WATCHDOG_PID": str(pid)}
    assert Notifier.from_environment(environment).watchdog == seconds


def test_without_a_listener_nothing_is_sent(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "gone")).notify("READY=1")
    Notifier().notify("READY=1")
