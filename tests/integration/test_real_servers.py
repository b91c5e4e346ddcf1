"""A small system of real servers: an agent on redis, and a web server on that agent and nginx."""

import json
import os
import shutil
import signal
import urllib.request
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.eventually import DEADLINE, eventually, is_alive
from tests.running import Running, running
from tests.servers import free_port

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
NEEDED = ("redis-server", "nginx", "node", "npm")
MISSING = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

NGINX = """
error_log stderr;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "nginx"; }}
    }}
}}
"""

AGENT = """
import os, signal, socket, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

def ping():
    with socket.create_connection(("127.0.0.1", int(os.environ["REDIS_PORT"])), 120) as redis:
        redis.sendall(b"PING\\r\\n")
        return redis.recv(100).decode().strip()

class Agent(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"well" if self.path == "/health" else f"{ping()} in {sys.prefix}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

def leave(*_):
    Path("last-words").write_text(ping())
    os._exit(0)

ping()
signal.signal(signal.SIGTERM, leave)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Agent).serve_forever()
"""

WEB = """
const { createServer } = require("http");
const { writeFileSync } = require("fs");
const greeting = require("greeting");

const ask = async (port) => (await fetch(`http://127.0.0.1:${port}/`)).text();
const hear = async () => `${greeting}, ${await ask(process.env.NGINX_PORT)}, ${await ask(process.env.AGENT_PORT)}`;

process.on("SIGTERM", async () => {
  writeFileSync("last-words", await hear());
  process.exit(0);
});
hear().then(() => {
  const answer = async (request, response) => response.end(request.url === "/health" ? "well" : await hear());
  createServer(answer).listen(process.env.PORT, "127.0.0.1");
});
"""

PACKAGE = {"name": "web", "version": "1.0.0", "dependencies": {"greeting": "file:greeting"}}
LOCK = {
    "name": "web",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {
        "": PACKAGE,
        "greeting": {"version": "1.0.0"},
        "node_modules/greeting": {"resolved": "greeting", "link": True},
    },
}
"""One dependency that lies beside it, so that `npm ci` has work to do and nothing to download."""


class System:
    """The servers, in folders of their own below `folder`, and their ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("redis", "nginx", "agent", "web")}
        for name in self.ports:
            (folder / name).mkdir()
        (folder / "nginx/nginx.conf").write_text(NGINX.format(folder=folder / "nginx", port=self.ports["nginx"]))
        (folder / "agent/agent.py").write_text(AGENT)
        venv.create(folder / "agent/.venv", symlinks=True)
        self._write_web()

    def _write_web(self) -> None:
        web = self.folder / "web"
        (web / "greeting").mkdir()
        (web / "greeting/package.json").write_text(json.dumps({"name": "greeting", "version": "1.0.0"}))
        (web / "greeting/index.js").write_text('module.exports = "hello";\n')
        (web / "package.json").write_text(json.dumps(PACKAGE))
        (web / "package-lock.json").write_text(json.dumps(LOCK))
        (web / "server.js").write_text(WEB)

    @property
    def config(self) -> list[dict[str, Any]]:
        """The dependents come first, so that the order of the file is not that of the start."""
        port = {name: str(number) for name, number in self.ports.items()}
        npm = {"npm_config_offline": "true", "npm_config_audit": "false", "npm_config_update_notifier": "false"}
        web = {
            "script": "server.js",
            "install": "auto",
            "dependsOn": {"nginx": "healthy", "agent": "healthy"},
            "env": {"PATH": PATH, "PORT": port["web"], "NGINX_PORT": port["nginx"], "AGENT_PORT": port["agent"], **npm},
        }
        agent = {
            "script": "agent.py",
            "dependsOn": {"redis": "healthy"},
            "env": {"PORT": port["agent"], "REDIS_PORT": port["redis"]},
        }
        nginx = {
            "command": "nginx -p . -c nginx.conf -e stderr -g 'daemon off;'",
            "stopSignal": "SIGQUIT",
            "env": {"PATH": PATH},
        }
        redis = {"command": f"redis-server --bind 127.0.0.1 --port {port['redis']} --save '' --appendonly no"}
        return [
            self._server("web", web, http=f"{self.url('web')}health"),
            self._server("agent", agent, http=f"{self.url('agent')}health"),
            self._server("nginx", nginx, http=self.url("nginx")),
            self._server("redis", redis, tcp=f"127.0.0.1:{port['redis']}"),
        ]

    def _server(self, name: str, fields: Mapping[str, Any], **check: str) -> dict[str, Any]:
        """Why so patient: a busy machine may let a server wait, which then is neither ill nor to be killed."""
        health = {**check, "interval": "200ms", "timeout": "60s", "startPeriod": "120s"}
        common = {"cwd": str(self.folder / name), "backoff": "100ms", "stopTimeout": "60s", "health": health}
        return {"id": name, **common, **fields}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}/"

    def hear(self, name: str) -> str:
        with urllib.request.urlopen(self.url(name), timeout=DEADLINE) as answer:
            return str(answer.read().decode())

    def last_words(self, name: str) -> str:
        return (self.folder / name / "last-words").read_text()


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@pytest.fixture
def manager(system: System) -> Iterator[Running]:
    with running(system.folder, system.config) as manager:
        manager.wait_running(["redis", "nginx", "agent", "web"])
        yield manager


def moments(manager: Running, name: str, status: str) -> list[int]:
    """The numbers of the events by which the process came to that status."""
    _, history = manager.get(f"/api/pm/{name}/events")
    return [event["seq"] for event in history if event["to"] == status]


def test_all_come_up_in_order_and_go_down_in_reverse(manager: Running, system: System) -> None:
    agent = f"+PONG in {system.folder}/agent/.venv"
    assert system.hear("web") == f"hello, nginx, {agent}"
    assert (system.folder / "web/node_modules/greeting").is_symlink()
    for name, needs in (("agent", ["redis"]), ("web", ["nginx", "agent"])):
        (start,) = moments(manager, name, "starting")
        assert all(moments(manager, need, "running")[0] < start for need in needs)
    assert {row["health"] for row in manager.list()} == {"healthy"}

    family = psutil.Process(manager.pid).children(recursive=True)
    assert manager.stop() == 0
    assert system.last_words("web") == f"hello, nginx, {agent}"
    assert system.last_words("agent") == "+PONG"
    assert [process for process in family if process.is_running() and is_alive(process.pid)] == []


def test_a_killed_database_comes_back_under_those_that_need_it(manager: Running, system: System) -> None:
    before = {row["id"]: row["pid"] for row in manager.list()}
    os.kill(before["redis"], signal.SIGKILL)
    eventually(lambda: len(moments(manager, "redis", "running")) == 2)
    assert len(moments(manager, "redis", "crashed")) == 1
    rows = {row["id"]: row for row in manager.list()}
    assert {name for name, row in rows.items() if row["pid"] != before[name]} == {"redis"}
    assert {name: row["restartCount"] for name, row in rows.items() if row["restartCount"]} == {"redis": 1}
    assert system.hear("web").startswith("hello, nginx, +PONG")


def test_what_falls_while_its_database_is_stopped_waits_for_it(manager: Running, system: System) -> None:
    before = {row["id"]: row["pid"] for row in manager.list()}
    manager.post("/api/pm/redis/stop")
    eventually(lambda: manager.row("redis")["status"] == "stopped")
    assert {row["id"]: row["pid"] for row in manager.list()} == before | {"redis": 0}
    os.kill(before["agent"], signal.SIGKILL)
    eventually(lambda: manager.row("agent")["status"] == "waiting")
    assert manager.row("agent")["reason"] == "waits for redis (healthy): it is stopped"
    assert manager.row("web")["pid"] == before["web"]
    manager.post("/api/pm/redis/start")
    eventually(lambda: manager.row("agent")["status"] == "running")
    assert system.hear("web").startswith("hello, nginx, +PONG")
