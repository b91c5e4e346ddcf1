import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import open_links
from tests.running import Running, running

LINES = "printf '%s!\\n' $(head -c 40 /dev/zero | tr '\\0' a) $(head -c 60000 /dev/zero | tr '\\0' a)"
PROCESSES = [
    {"id": "web-1", "command": f"{LINES}; exec sleep 600", "shell": True, "group": "front"},
    {"id": "off", "command": "sleep 600", "autostart": False},
]


def put_token(folder: Path, token: str) -> None:
    """The data directory, with a known token."""
    (folder / ".pmtui").mkdir(mode=0o700)
    (folder / ".pmtui/token").write_text(token)
    (folder / ".pmtui/token").chmod(0o600)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A manager under attack; afterwards, its process must be untouched and its log without errors."""
    folder = tmp_path_factory.mktemp("house")
    put_token(folder, "secret")
    with running(folder, PROCESSES) as manager:
        pids = manager.wait_running(["web-1"])
        yield manager
        assert manager.wait_running(["web-1"]) == pids
        assert manager.row("off")["status"] == "stopped"
        assert not [line for line in manager.log.splitlines() if "Traceback" in line or "ERROR" in line]


@pytest.fixture(scope="module")
def port(house: Running) -> int:
    return int(house.url.rpartition(":")[2])


def resident(manager: Running) -> int:
    """Return the manager's memory in bytes."""
    return int(Path(f"/proc/{manager.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_sockets(manager: Running) -> set[str]:
    return {link for link in open_links(manager.pid) if link.startswith("socket:")}
