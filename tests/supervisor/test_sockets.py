"""Listening sockets of real processes: held over their ends, passed to them alone, released with the entry."""

import asyncio
import contextlib
import os
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pmtui.config.load import load_config
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.config.sockets import SocketAddress, parse_socket
from pmtui.control import Status
from pmtui.supervisor.ports import PortTable
from pmtui.supervisor.reload import ConfigSource
from pmtui.supervisor.sockets import SocketTable
from tests.eventually import DEADLINE, eventually_async, eventually_awaited, is_alive, open_links
from tests.managed import STOPPED, managed, row, running, sh, texts, until
from tests.servers import free_port

SERVER = """
import os, socket
server = socket.socket(fileno=3)
print(os.environ["LISTEN_FDS"], os.environ["LISTEN_FDNAMES"], os.environ["LISTEN_PID"] == str(os.getpid()), flush=True)
print(server.getblocking(), sorted(map(int, os.listdir("/proc/self/fd")))[:-1], flush=True)
server.setblocking(False)  # as many servers do; the next run begins with a blocking one
server.setblocking(True)
while True:
    client, _ = server.accept()
    client.sendall(str(os.getpid()).encode())
    client.close()
"""


def server(process_id: str = "a", **fields: Any) -> ProcessConfig:
    return ProcessConfig(id=process_id, command=sys.executable, args=["-c", SERVER], **fields)


def ask(address: Any, family: int = socket.AF_INET) -> str:
    """Connect, and return what the server says."""
    with socket.socket(family) as client:
        client.settimeout(DEADLINE)
        client.connect(address)
        return client.recv(100).decode()


@contextlib.contextmanager
def table(folder: Path) -> Iterator[SocketTable]:
    held = SocketTable(PortTable(folder / "data"))
    yield held
    held.retain(())


@pytest.mark.parametrize(
    ("written", "address", "text"),
    [
        (8000, SocketAddress("127.0.0.1", 8000), "127.0.0.1:8000"),
        ("auto", SocketAddress("127.0.0.1", "auto"), "127.0.0.1:auto"),
        ("0.0.0.0:80", SocketAddress("0.0.0.0", 80), "0.0.0.0:80"),
        ("localhost:80", SocketAddress("127.0.0.1", 80), "127.0.0.1:80"),
        ("[::1]:8000", SocketAddress("::1", 8000), "[::1]:8000"),
        ("unix:run/app.sock", SocketAddress(path="/srv/run/app.sock"), "/srv/run/app.sock"),
        ("unix:/tmp/x", SocketAddress(path="/tmp/x"), "/tmp/x"),
    ],
)
def test_an_address_can_be_written_in_several_ways(written: int | str, address: SocketAddress, text: str) -> None:
    assert parse_socket(written, "/srv") == address
    assert str(address) == text


@pytest.mark.parametrize("written", [0, 65536, True, "", "unix:", "8000", "::1:80", "[127.0.0.1]:80", "host:80", "a:b"])
def test_anything_else_is_refused(written: int | str) -> None:
    with pytest.raises(ValueError, match=r"expected a port|does not appear"):
        parse_socket(written, "/srv")


async def test_a_connection_waits_while_the_process_is_stopped_crashes_and_restarts(tmp_path: Path) -> None:
    port = free_port()
    config = server(sockets={"http": port, "more": "auto"}, cwd=str(tmp_path), healthy_after=DEADLINE)
    async with managed(config, settings=Settings(data_dir=str(tmp_path / "data"))) as manager:
        first = (await running(manager)).pid
        await until(manager, lambda now: len(manager.supervisor.processes["a"].log.tail(9)) == 2)
        assert await texts(manager) == ["2 http:more True", "True [0, 1, 2, 3, 4]"]
        now = await row(manager)
        assert now.ports[0] == port
        assert now.urls[0] == f"http://127.0.0.1:{port}"
        assert await asyncio.to_thread(ask, ("127.0.0.1", port)) == str(first)
        await manager.signal("a", "KILL")
        await eventually_async(lambda: not is_alive(first))
        second = await asyncio.to_thread(ask, ("127.0.0.1", port))
        assert second not in ("", str(first))
        assert Status.CRASHED in [event.to for event in await manager.history("a")]
        await manager.stop("a")
        await manager.wait("a", STOPPED)
        waiting = socket.create_connection(("127.0.0.1", port))
        await manager.start("a")
        waiting.settimeout(DEADLINE)
        assert await asyncio.to_thread(waiting.recv, 100) == str((await running(manager)).pid).encode()
        waiting.close()


async def test_instances_share_a_socket_and_nothing_else_inherits_it() -> None:
    port = free_port()
    configs = [server(f"web-{n}", instance=n, sockets={"http": port}) for n in (1, 2)]
    other = sh("a", "ls /proc/self/fd; exec sleep 600")
    async with managed(*configs, other) as manager:
        first, second = (await running(manager, "web-1")).pid, (await running(manager, "web-2")).pid
        await eventually_awaited(lambda: manager.logs("a"))
        assert await texts(manager, "a") == ["0", "1", "2", "3"]  # the last one is the directory that ls reads
        inode = os.readlink(f"/proc/{first}/fd/3")
        assert os.readlink(f"/proc/{second}/fd/3") == inode
        guardian = manager.supervisor.spawner.guardian_pid
        assert inode not in open_links(guardian)


async def test_an_address_that_is_taken_fails_the_start_and_names_the_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with managed(server(sockets={"http": port}, max_retries=0)) as manager:
            failed = await until(manager, lambda now: now.status is Status.FAILED)
            assert failed.last_error.startswith(f"127.0.0.1:{port} is taken by py")
            assert "sockets.http of a" in failed.last_error


async def test_references_to_sockets_are_their_addresses_and_descriptors(tmp_path: Path) -> None:
    port = free_port()
    line = 'echo "${sockets.b.fd} ${sockets.a} $B ${sockets.b}"; exec sleep 600'
    config = sh("a", line, sockets={"a": port, "b": "unix:b.sock"}, folder=str(tmp_path), env={"B": "${b.port}"})
    async with managed(config, sh("b", "sleep 600", port=9)) as manager:
        await eventually_awaited(lambda: manager.logs("a"))
        assert await texts(manager) == [f"4 127.0.0.1:{port} 9 {tmp_path}/b.sock"]


async def test_a_socket_is_released_when_its_entry_leaves_the_config(tmp_path: Path) -> None:
    path, port = tmp_path / "pmtui.toml", free_port()
    kept = '[process.keep]\ncommand = "sleep 600"\n'
    path.write_text(f'{kept}[process.a]\ncommand = "sleep 600"\nsockets = {{ http = {port}, file = "unix:a.sock" }}\n')
    loaded = load_config(path)
    async with managed(settings=loaded.settings) as manager:
        manager.supervisor.load(ConfigSource(lambda: load_config(path), loaded))
        await running(manager)
        assert (tmp_path / "a.sock").is_socket()
        path.write_text(kept)
        await manager.reload()
        assert not (tmp_path / "a.sock").exists()
        await eventually_async(lambda: "a" not in manager.supervisor.processes)
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_stale_unix_socket_is_replaced_and_missing_directories_are_made(tmp_path: Path) -> None:
    config = server(sockets={"x": "unix:run/deep/x.sock"}, folder=str(tmp_path), umask=0o027)
    path = tmp_path / "run/deep/x.sock"
    path.parent.mkdir(parents=True)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    with table(tmp_path) as held:
        (descriptor,) = held.open(config)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        assert held.open(config) == [descriptor]
    assert not path.exists()


def test_a_file_or_a_socket_in_use_is_left_alone(tmp_path: Path) -> None:
    config = server(sockets={"x": "unix:x.sock"}, folder=str(tmp_path))
    path = tmp_path / "x.sock"
    path.write_text("mine")
    with table(tmp_path) as held:
        with pytest.raises(ConfigError, match="is a file, not a socket"):
            held.open(config)
        assert path.read_text() == "mine"
        path.unlink()
        with socket.socket(socket.AF_UNIX) as used:
            used.bind(str(path))
            used.listen()
            with pytest.raises(ConfigError, match=rf"is taken by .*\(pid {os.getpid()}\)"):
                held.open(config)
        assert path.is_socket()


def test_an_automatic_address_is_kept_and_a_changed_one_rebound(tmp_path: Path) -> None:
    config = server(sockets={"x": "auto"})

    def address(held: SocketTable) -> Mapping[str, SocketAddress]:
        held.open(config)
        return held.addresses(config)

    with table(tmp_path) as held:
        first = address(held)
    with table(tmp_path) as held:
        assert address(held) == first
        changed = msgspec.structs.replace(config, sockets={"x": free_port()})
        held.open(changed)
        assert held.addresses(changed) == {"x": parse_socket(changed.sockets["x"], "")}


def test_sockets_that_another_process_claims_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "pmtui.toml").write_text(
        '[process.a]\ncommand = "x"\nport = 8000\n'
        '[process.b]\ncommand = "x ${a.sockets.x}"\n'
        '[process.c]\ncommand = "x"\nsockets = { x = "0.0.0.0:8000", y = "unix:a" }\n'
        '[process.d]\ncommand = "x"\nsockets = { x = "[::1]:8000", y = "unix:b" }\n'
        '[process.e]\ncommand = "x"\nsockets = { y = "unix:./b", z = "nowhere" }\n'
        '[process.f]\ncommand = "x"\nsockets = { y = "unix:./b" }\n'
    )
    assert [str(problem) for problem in load_config(tmp_path / "pmtui.toml").problems] == [
        "process.b.command: ${a.sockets.x}: a has no socket; give it sockets",
        "process.c.sockets.x: port 8000 is that of a too",
        'process.e.sockets.z: expected a port, "127.0.0.1:8000", "[::1]:8000", "unix:PATH" or "auto"',
        f"process.f.sockets.y: {tmp_path}/b is that of d too",
    ]
