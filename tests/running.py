"""A real manager in its own process, as its user starts it."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.eventually import DEADLINE, eventually, is_stopped

PMTUI = [sys.executable, "-m", "pmtui"]


class Running:
    """`pmtui --no-ui` with a config in `folder`, and a client of its API; `data` is its data directory.

    `within` is a command to run it by, such as `nice`; `env` is added to the environment.
    """

    def __init__(
        self,
        folder: Path,
        config: object,
        *options: str,
        stdout: int | None = None,
        within: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / ".pmtui"
        self.output = folder / "manager.out"
        self._earlier = self._instance()  # of a manager that was killed
        (folder / "pb_processes.json").write_text(config if isinstance(config, str) else json.dumps(config))
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [*within, *PMTUI, "--no-ui", "--port", "0", *options],
                cwd=folder,
                env=os.environ | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def guardian(self) -> int:
        facts = json.loads((self.data / "state.json").read_text())
        return int(facts["guardian"])

    def wait_until_served(self) -> None:
        """Wait until the API answers."""

        def answers() -> bool:
            assert self.process.poll() is None, self.log
            with contextlib.suppress(OSError, ValueError, KeyError):
                return self._instance() != self._earlier and self.get("/api/health")[0] == 200
            return False

        eventually(answers)

    def _instance(self) -> bytes:
        path = self.data / "instance.json"
        with contextlib.suppress(OSError):
            return path.read_bytes() if path.is_file() else b""  # opening a FIFO would block
        return b""

    @property
    def url(self) -> str:
        return str(json.loads((self.data / "instance.json").read_text())["url"])

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {(self.data / 'token').read_text().strip()}"}

    def fetch(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Open a streaming response."""
        client = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=DEADLINE)
        headers = self.authorization | ({"Content-Type": "application/json"} if body else {})
        try:
            client.request(method, path, json.dumps(body) if body else None, headers)
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        status, answer = self.fetch(method, path, body)
        return status, json.loads(answer)

    def get(self, path: str) -> tuple[int, Any]:
        return self.request("GET", path)

    def post(self, path: str, body: object = None) -> tuple[int, Any]:
        return self.request("POST", path, body)

    def list(self) -> list[dict[str, Any]]:
        status, rows = self.get("/api/pm/list")
        assert status == 200, rows
        return rows  # type: ignore[no-any-return]

    def row(self, process_id: str) -> dict[str, Any]:
        return next(row for row in self.list() if row["id"] == process_id)

    def wait_running(self, ids: Sequence[str]) -> dict[str, int]:
        """Wait until these run; return their pids."""
        self.wait_until_served()

        def pids() -> dict[str, int]:
            rows = {row["id"]: row for row in self.list()}
            return {name: rows[name]["pid"] for name in ids if rows[name]["status"] == "running"}

        return eventually(lambda: found if len(found := pids()) == len(ids) else None) or {}

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Suspend all threads of the manager."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            eventually(lambda: all(map(is_stopped, self.threads())))
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def threads(self) -> Iterator[int]:
        return map(int, os.listdir(f"/proc/{self.pid}/task"))

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


@contextlib.contextmanager
def running(
    folder: Path,
    config: object,
    *options: str,
    stdout: int | None = None,
    within: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Start a manager, and end it in any case. Its output goes to `stdout` or its log."""
    manager = Running(folder, config, *options, stdout=stdout, within=within, env=env)
    try:
        yield manager
    finally:
        try:
            manager.stop()
        except subprocess.TimeoutExpired:
            manager.process.kill()
            manager.process.wait()
