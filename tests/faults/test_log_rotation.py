"""Files that are rotated while they are read."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from tests.cli.shell import CLEAN
from tests.eventually import DEADLINE, ends_with, eventually
from tests.running import PMTUI, Running, running

COUNT = 10_000  # as many as a reader who comes late gets
BATCH = 100
PACED = f"for i in $(seq 1 {BATCH} {COUNT}); do seq $i $((i + {BATCH - 1})); sleep 0.02; done; exec sleep 600"
LOG: dict[str, Any] = {
    "id": "log",
    "command": PACED,
    "shell": True,
    "autostart": False,
    "log": {"maxSize": "2KB", "keep": 1000},
}


class Tail(threading.Thread):
    """Reads the stream of the log until it has all lines."""

    def __init__(self, manager: Running) -> None:
        super().__init__(daemon=True)
        self._url = f"{manager.url}/api/pm/log/logs/stream"
        self._headers = manager.authorization
        self.is_open = threading.Event()
        self.numbers: list[int] = []
        self.texts: list[str] = []

    def run(self) -> None:
        with httpx.stream("GET", self._url, headers=self._headers, timeout=DEADLINE) as response:
            self.is_open.set()
            for line in response.iter_lines():
                if line.startswith("data: "):
                    told = json.loads(line.removeprefix("data: "))
                    self.numbers.append(told["seq"])
                    self.texts.append(told["text"])
                if len(self.texts) == COUNT:
                    return


@contextmanager
def following(manager: Running) -> Iterator[IO[bytes]]:
    """Return what `pmtui logs -f` prints."""
    words = ["logs", "log", "-f", "-n", str(COUNT)]
    command = subprocess.Popen([*PMTUI, *words], cwd=manager.folder, env=CLEAN, stdout=subprocess.PIPE)
    assert command.stdout is not None
    with command, command.stdout as printed:
        try:
            yield printed
        finally:
            command.terminate()


def assert_without_gap(manager: Running) -> None:
    """What a query finds at this moment is a contiguous part of the output."""
    lines = manager.get("/api/pm/log/logs?lines=2000")[1]
    numbers = [int(line["text"]) for line in lines]
    assert numbers == [line["seq"] for line in lines]
    assert numbers == [*range(numbers[-1] - len(numbers) + 1, numbers[-1] + 1)] if numbers else True


def test_no_reader_loses_a_line_in_a_hundred_rotations(tmp_path: Path) -> None:
    """Files of 2 KB are rotated many times a second while a client follows the stream, `pmtui logs -f` runs, and
    another client keeps querying: none of them sees a gap or a duplicate, nor do the files have any."""
    with running(tmp_path, [LOG]) as manager:
        manager.wait_until_served()
        tail = Tail(manager)
        tail.start()
        assert tail.is_open.wait(DEADLINE)
        with following(manager) as printed:
            assert manager.post("/api/pm/log/start")[0] == 200
            while tail.is_alive():
                assert_without_gap(manager)
            assert [int(printed.readline()) for _ in range(COUNT)] == [*range(1, COUNT + 1)]
        assert tail.numbers == [*range(1, COUNT + 1)]
        assert [int(text) for text in tail.texts] == tail.numbers
        logs = manager.data / "logs"
        eventually(lambda: ends_with(logs / "log-stdout.log", b" %d\n" % COUNT))
        archives = [*logs.glob("log-stdout-*.log")]
        assert len(archives) > 100
        files = sorted((file.read_text() for file in [*archives, logs / "log-stdout.log"]), key=first_number)
        assert [int(line.split()[1]) for text in files for line in text.splitlines()] == tail.numbers


def first_number(text: str) -> int:
    return int(text.split(maxsplit=2)[1])
