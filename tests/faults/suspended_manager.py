"""Suspend a manager that checks servers: `python -m tests.faults.suspended_manager [ROUNDS]` (10).

In each round it is suspended for longer than the timeout of its checks, while some are running: none of them may count
as failed. Five servers answer after 50 ms and have one second, so that this needs a machine without other work. Prints
how many checks were answered; the exit code is 1 if any counted as failed.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.eventually import eventually
from tests.running import Running, running
from tests.servers import free_port

SERVERS = 5
SUSPENSION = 3.0
START_PERIOD = 2.0
SERVER = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("requests", "a") as file:
            file.write("x")
        time.sleep(0.05)  # so that some checks are under way at any moment
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def server(number: int) -> dict[str, object]:
    port = free_port()
    health = {"http": f"http://127.0.0.1:{port}/", "interval": "100ms", "timeout": "1s"}
    rules = {"failureThreshold": 1, "startPeriod": f"{START_PERIOD:g}s"}
    return {
        "id": f"a{number}",
        "command": sys.executable,
        "args": ["-c", SERVER, str(port)],
        "health": health | rules,
    }


def answered(manager: Running) -> int:
    return (manager.folder / "requests").stat().st_size


def play(manager: Running) -> None:
    """Suspend the manager for a while, and wait for further checks."""
    with manager.suspended():
        time.sleep(SUSPENSION)
        before = answered(manager)
    eventually(lambda: answered(manager) > before + 10 * SERVERS)


def main(rounds: int = 10) -> int:
    servers = [server(number) for number in range(SERVERS)]
    with tempfile.TemporaryDirectory(prefix="suspended-") as name, running(Path(name), servers, "--no-api") as manager:
        eventually(lambda: all(f"a{number} running" in manager.log for number in range(SERVERS)))
        time.sleep(START_PERIOD)  # from here on, failures count
        before = len(manager.log)
        for _ in range(rounds):
            play(manager)
        manager.stop()
        failed = manager.log[before:].count("health")
        print(f"{answered(manager)} checks, {rounds} suspensions: {failed} failed")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
