from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.running import Running, running

LINES = "for i in $(seq 20); do printf '\\033[31mline %s\\033[0m\\377\\n' $i; done"
TALKER = f"{LINES}; echo oops >&2; sleep 600"
NEVER_UP = {"log": "never printed", "startPeriod": "1h"}
"""A health check for a process that is to fail. Without one it counts as up once it has run for a moment."""
PROCESSES: list[dict[str, object]] = [
    {"id": "web-1", "command": "sleep 600", "group": "front"},
    {"id": "web-2", "command": "sleep 600", "group": "front"},
    {"id": "talker", "command": TALKER, "shell": True},
    {"id": "job", "command": "true", "restart": "never"},
    {"id": "bad", "command": "echo because >&2; exit 3", "shell": True, "maxRetries": 0, "health": NEVER_UP},
    {"id": "off", "command": "sleep 600", "autostart": False},
]
ALL = [entry["id"] for entry in PROCESSES]


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A manager with settled processes, which tests only read."""
    with running(tmp_path_factory.mktemp("house"), PROCESSES) as manager:
        settle(manager)
        yield manager


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Running]:
    """A manager of one test."""
    with running(tmp_path, PROCESSES) as manager:
        settle(manager)
        yield manager


def settle(manager: Running) -> None:
    """Wait until all that is to run runs, all else has ended, and what was printed has been read."""
    manager.wait_running(["web-1", "web-2", "talker"])
    eventually(lambda: [manager.row(name)["status"] for name in ("job", "bad")] == ["completed", "failed"])
    eventually(lambda: len(manager.get("/api/pm/talker/logs")[1]) == 21)
