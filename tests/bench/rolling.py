"""Rolling restarts under load: `python -m tests.bench.rolling [SERVER …]` counts what clients notice.

For one instance and four, ten rolling restarts of each server (plain Python, and gunicorn, uvicorn and Node if they are
installed) while clients open a connection for each request. Prints refused and reset connections, wrong answers, and
the latency of requests with and without restarts, in one run. For comparison `pm2 reload` of the Node app in cluster
mode gets the same load, if pm2 is installed.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.running import Running, running
from tests.servers import free_port

RESTARTS = 10
CLIENTS = 8
QUIET = 3.0
"""Seconds of load without restarts, for comparison."""
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
PYTHON = """
import http.server, os, signal, socket

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_): pass

listener = socket.socket(fileno=3)
listener.setblocking(False)  # another run may have taken the connection
server = http.server.HTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket, server.timeout = listener, 0.1
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
    out.sendto(b"READY=1", "\\0" + os.environ["NOTIFY_SOCKET"][1:])
while not ending:
    server.handle_request()
"""
WSGI = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""
NODE = """
const server = require("http").createServer((_, answer) => answer.end("ok"))
server.listen({ fd: 3 }, () => console.log("listening"))
process.on("SIGTERM", () => server.close(() => process.exit(0)))
"""
PM2_APP = """
const server = require("http").createServer((_, answer) => answer.end("ok"))
server.listen(process.env.PORT, "127.0.0.1", () => process.send("ready"))
process.on("SIGINT", () => server.close(() => process.exit(0)))
"""
FILES = {"python.py": PYTHON, "wsgi.py": WSGI, "asgi.py": ASGI, "node.js": NODE, "pm2.js": PM2_APP}
PM2 = "pm2"
SERVERS: dict[str, dict[str, Any]] = {
    "python": {"script": "python.py", "health": {"notify": True}},
    "gunicorn": {"command": f"{sys.executable} -m gunicorn wsgi:app", "health": {"log": "Booting worker"}},
    "uvicorn": {
        "command": f"{sys.executable} -m uvicorn asgi:app --fd 3 --no-access-log",
        "health": {"log": "startup complete"},
    },
    "node": {"script": "node.js", "health": {"log": "listening"}},
}


class Load:
    """Clients that make one request after the other, each in a connection of its own."""

    def __init__(self, port: int) -> None:
        self.counts: Counter[str] = Counter()
        self.latencies: list[tuple[float, float]] = []  # when it began, and seconds
        self._port = port
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._is_over.is_set():
            started = time.monotonic()
            self.counts[self._request()] += 1
            self.latencies.append((started, time.monotonic() - started))

    def _request(self) -> str:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=30) as client:
                client.sendall(REQUEST)
                answer = b""
                while data := client.recv(4096):
                    answer += data
        except ConnectionRefusedError:
            return "refused"
        except ConnectionError:
            return "reset"
        except TimeoutError:
            return "late"
        if not answer:
            return "reset"
        is_right = answer.startswith(b"HTTP/1.") and b" 200 " in answer[:20] and answer.endswith(b"ok")
        return "good" if is_right else "wrong"

    def p99(self, since: float, until: float) -> float:
        """Return the latency in milliseconds that one request in 100 exceeds."""
        found = [seconds for at, seconds in self.latencies if since <= at < until]
        return statistics.quantiles(found, n=100)[-1] * 1000 if len(found) > 1 else 0.0


def roll(manager: Running, ids: list[str]) -> None:
    """Restart all instances, and wait until the last old run has ended."""
    threads = [threading.Thread(target=roll_one, args=(manager, name)) for name in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def roll_one(manager: Running, name: str) -> None:
    status, answer = manager.post(f"/api/pm/{name}/restart?rolling=true&wait=true")
    assert status == 200, answer
    while manager.row(name)["rolling"]:
        time.sleep(0.02)


def measure(name: str, instances: int) -> Counter[str]:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for file, text in FILES.items():
            (folder / file).write_text(text)
        return (measure_pm2 if name == PM2 else measure_pmtui)(folder, name, instances)


def measure_pmtui(folder: Path, name: str, instances: int) -> Counter[str]:
    port = free_port()
    entry = {"id": "web", "instances": instances, "sockets": {"http": port}, "stopTimeout": "30s", **SERVERS[name]}
    ids = ["web"] if instances == 1 else [f"web-{number}" for number in range(1, instances + 1)]
    with running(folder, json.dumps([entry])) as manager:
        manager.wait_running(ids)
        return measure_restarts(f"{name} {instances}", port, lambda: roll(manager, ids))


def measure_pm2(folder: Path, _: str, instances: int) -> Counter[str]:
    """Reload as pm2's documentation advises: in cluster mode, with `--wait-ready` and a handler that closes."""
    port = free_port()
    environment = os.environ | {"PM2_HOME": str(folder / "home"), "PORT": str(port)}

    def pm2(*words: str) -> None:
        subprocess.run([PM2, *words], env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    pm2("start", "pm2.js", "--name", "web", "-i", str(instances), "--wait-ready", "--kill-timeout", "30000")
    try:
        return measure_restarts(f"{PM2} {instances}", port, lambda: pm2("reload", "web"))
    finally:
        pm2("kill")


def measure_restarts(title: str, port: int, restart: Callable[[], None]) -> Counter[str]:
    with Load(port) as load:
        begun = time.monotonic()
        time.sleep(QUIET)
        rolling = time.monotonic()
        for _ in range(RESTARTS):
            restart()
        ended = time.monotonic()
    rest = ", ".join(f"{load.counts[kind]} {kind}" for kind in ("refused", "reset", "wrong", "late"))
    quiet, busy = load.p99(begun, rolling), load.p99(rolling, ended)
    print(
        f"{title:<11} {RESTARTS} restarts in {ended - rolling:.1f} s, {load.counts['good']} good, {rest}; "
        f"p99 {quiet:.1f} ms before, {busy:.1f} ms during",
        flush=True,
    )
    return load.counts


def installed() -> list[str]:
    names = ["python", *(name for name in ("gunicorn", "uvicorn") if find_spec(name))]
    return [*names, *(name for name in ("node", PM2) if shutil.which(name))]


def main() -> int:
    bad = 0
    for name in sys.argv[1:] or installed():
        for instances in (1, 4):
            counts = measure(name, instances)
            if name != PM2:
                bad += counts["refused"] + counts["wrong"] + (counts["reset"] if name != "uvicorn" else 0)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
