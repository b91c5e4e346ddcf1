"""A check of a local port counts only if the process serves it."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from pmtui.config.model import Health
from pmtui.control import Status
from pmtui.spawner.procfs import name_of
from tests.eventually import DEADLINE, eventually
from tests.managed import managed, running, sh, until
from tests.running import running as manager_in_process
from tests.servers import free_port

SERVE = """
import http.server, os, socket, sys
class Server(http.server.HTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
if "daemon" in sys.argv[3:] and (os.fork() or os.setsid() or os.fork()):
    os._exit(0)
Server((sys.argv[1], int(sys.argv[2])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
SYSTEM_PYTHON = shutil.which("python3", path="/usr/bin:/bin")


def serving(address: str, port: int, *words: str) -> list[str]:
    return [sys.executable, "-c", SERVE, address, str(port), *words]


@contextmanager
def stranger(folder: Path, port: int, address: str = "127.0.0.1") -> Iterator[int]:
    """Serve the port from outside any manager's tree; yield the pid."""
    with subprocess.Popen(serving(address, port), cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            eventually(lambda: accepts(family, address, port))
            yield process.pid
        finally:
            process.kill()


def accepts(family: int, address: str, port: int) -> bool:
    with socket.socket(family) as client:
        return client.connect_ex(("::1" if address == "::" else address, port)) == 0


def health(kind: str, port: int, host: str = "127.0.0.1") -> Health:
    check = Health(interval=0.1, timeout=DEADLINE, start_period=600)
    return replace(check, http=f"http://{host}:{port}/") if kind == "http" else replace(check, tcp=f"{host}:{port}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", ["http", "tcp"])
async def test_a_strangers_server_passes_no_check_and_is_named(tmp_path: Path, kind: str, host: str) -> None:
    port = free_port()
    with stranger(tmp_path, port) as pid:
        async with managed(sh("api", "sleep 600", health=health(kind, port, host))) as manager:
            await until(manager, lambda _: manager.supervisor.processes["api"].probes, "api")
            detail = await manager.get("api")
            assert detail.status is Status.STARTING
            name = name_of(pid)
            assert detail.probes[-1].message == f"port {port} is served by {name} (pid {pid}), not by api"


async def test_the_stranger_is_the_reason_of_the_failure(tmp_path: Path) -> None:
    port = free_port()
    check = replace(health("tcp", port), start_period=0, failure_threshold=1)
    with stranger(tmp_path, port) as pid:
        async with managed(sh("api", "sleep 600", health=check, max_retries=0)) as manager:
            failed = await asyncio.wait_for(manager.wait("api", frozenset({Status.FAILED})), DEADLINE)
            assert f"port {port} is served by" in failed.last_error
            assert f"(pid {pid}), not by api" in failed.last_error


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("words", [(), ("daemon",)], ids=["child", "daemon"])
@pytest.mark.parametrize("kind", ["http", "tcp"])
async def test_everything_in_the_tree_may_serve_the_port(
    tmp_path: Path, kind: str, words: tuple[str, ...], address: str
) -> None:
    port = free_port()
    line = f"'{sys.executable}' -c '{SERVE}' {address} {port} {' '.join(words)} & exec sleep 600"
    async with managed(sh("api", line, cwd=str(tmp_path), health=health(kind, port))) as manager:
        assert (await running(manager, "api")).health == "healthy"


async def test_the_more_specific_address_decides(tmp_path: Path) -> None:
    """A stranger on the IPv6 address of the same port is in nobody's way."""
    port = free_port()
    line = f"exec '{sys.executable}' -c '{SERVE}' 127.0.0.1 {port}"
    with stranger(tmp_path, port, "::1"):
        async with managed(
            sh("ours", line, cwd=str(tmp_path), health=health("tcp", port)),
            sh("theirs", "sleep 600", health=health("tcp", port, "[::1]")),
        ) as manager:
            assert (await running(manager, "ours")).health == "healthy"
            await until(manager, lambda _: manager.supervisor.processes["theirs"].probes, "theirs")
            assert "not by theirs" in (await manager.get("theirs")).probes[-1].message


@pytest.mark.skipif(os.geteuid() != 0 or not SYSTEM_PYTHON, reason="requires root and a python for everybody")
async def test_a_program_of_another_user_in_the_tree_may_serve_the_port() -> None:
    port = free_port()
    line = f"exec '{SYSTEM_PYTHON}' -c '{SERVE}' 127.0.0.1 {port}"
    async with managed(sh("api", line, cwd="/", user="nobody", health=health("tcp", port))) as manager:
        assert (await running(manager, "api")).health == "healthy"


def test_the_managers_own_api_is_a_stranger_too(tmp_path: Path) -> None:
    port = free_port()
    config = [{"id": "api", "command": "sleep 600", "health": {"tcp": f"127.0.0.1:{port}", "interval": 0.1}}]
    with manager_in_process(tmp_path, config, "--port", str(port)) as manager:
        manager.wait_until_served()
        eventually(lambda: manager.get("/api/pm/api")[1]["probes"])
        message = manager.get("/api/pm/api")[1]["probes"][-1]["message"]
        assert message == f"port {port} is served by pmtui (pid {manager.pid}), not by api"
