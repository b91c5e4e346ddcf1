from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.running import Running, running

LINES = "for i in $(seq 20); do printf '\\033[31mline %s\\033[0m\\377\\n' $i; done"
TALKER = f"{LINES}; echo oops >&2; sleep 600"
PROCESSES: list[dict[str, object]] = [
    {"id": "web-1", "command": "sleep 600", "group": "front"},
    {"id": "web-2", "command": "sleep 600", "group": "front"},
    {"id": "talker", "command": TALKER, "shell": True},
    {"id": "job", "command": "true", "restart": "never"},
    {"id": "bad", "command": "echo because >&2; exit 3", "shell": True, "maxRetries": 0},
    {"id": "off", "command": "sleep 600", "autostart": False},
]
ALL = [entry["id"] for entry in PROCESSES]


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A manager with settled processes, which tests only read."""
    with running(tmp_path_factory.mktemp("house"), PROCESSES) as manager:
        manager.wait_running(["web-1", "web-2", "talker"])
        assert pmtui(manager.folder, "wait", "bad", "job", "--for", "stopped").returncode == 0
        yield manager


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Running]:
    """A manager of one test."""
    with running(tmp_path, PROCESSES) as manager:
        manager.wait_running(["web-1", "web-2", "talker"])
        yield manager
