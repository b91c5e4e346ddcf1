"""Ports of real processes: chosen, kept, passed on, and refused if taken."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

from pmtui.config.model import Health, ProcessConfig, Settings
from pmtui.control import Status
from pmtui.spawner.listeners import is_taken
from pmtui.supervisor.ports import AUTO_PORTS, PortTable
from tests.eventually import DEADLINE, eventually_awaited
from tests.managed import managed, row, running, sh, texts, until
from tests.servers import free_port

SERVER = "exec python3 -m http.server --bind 127.0.0.1 $PORT"


@contextlib.contextmanager
def listener(port: int, host: str = "127.0.0.1") -> Iterator[None]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family):
        yield


def auto(process_id: str = "a") -> ProcessConfig:
    return ProcessConfig(id=process_id, command="x", port="auto")


def test_a_listener_on_loopback_or_everywhere_takes_a_port_but_not_one_elsewhere() -> None:
    port = free_port()
    assert not is_taken(port)
    for host, taken in (("127.0.0.1", True), ("0.0.0.0", True), ("::", True), ("127.0.0.2", False)):
        with listener(port, host):
            assert is_taken(port) is taken, host


def test_a_connection_that_lingers_does_not_take_a_port() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = server.accept()
        served.close()  # first, so that the server's side waits in TIME_WAIT
        client.close()
    assert not is_taken(port)


def chosen_ports(directory: Path) -> list[int]:
    """Return the ports of several processes. Why: by chance, one of them may be the same in two directories."""
    table, configs = PortTable(directory), [auto(name) for name in "abcd"]
    table.assign(configs)
    return [table.ports_of(config)["http"] for config in configs]


def test_chosen_ports_are_kept_and_another_directory_has_other_ones(tmp_path: Path) -> None:
    first = chosen_ports(tmp_path / "a")
    assert chosen_ports(tmp_path / "a") == first
    assert chosen_ports(tmp_path / "b") != first
    assert len({*first}) == 4
    assert all(port in AUTO_PORTS for port in first)


def test_a_copied_data_directory_does_not_bring_its_ports(tmp_path: Path) -> None:
    first = chosen_ports(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/ports.json").write_bytes((tmp_path / "a/ports.json").read_bytes())
    assert chosen_ports(tmp_path / "b") != first


def test_a_chosen_port_is_never_a_configured_one(tmp_path: Path) -> None:
    table = PortTable(tmp_path)
    table.assign([auto()])
    taken = table.ports_of(auto())["http"]
    table.assign([auto(), ProcessConfig(id="b", command="x", port=taken)])
    assert table.ports_of(auto())["http"] != taken


async def test_a_process_keeps_its_port_over_restarts_and_others_know_it(tmp_path: Path) -> None:
    health = Health(http="http://127.0.0.1:${port}/", interval=0.2, start_period=DEADLINE)
    web = sh("a", SERVER, port="auto", cwd=str(tmp_path), health=health)
    client = sh("b", 'echo "$API ${a.port} $PORT_X"; exec sleep 600', env={"API": "${a.ports.http}"}, ports={"x": 9})
    async with managed(web, client, settings=Settings(data_dir=str(tmp_path / "data"))) as manager:
        now = await running(manager)
        (port,) = now.ports
        assert now.urls == [f"http://127.0.0.1:{port}"]
        assert is_taken(port)
        await eventually_awaited(lambda: manager.logs("b"))
        assert await texts(manager, "b") == [f"{port} {port} 9"]
        for restarts in (1, 2):
            await manager.restart("a")
            after = await until(manager, lambda now, n=restarts: now.restart_count == n and now.ready)  # type: ignore[misc]
            assert after.ports == [port]
        await manager.stop("a")
        assert (await until(manager, lambda now: now.status is Status.STOPPED)).ports == [port]
    kept = json.loads((tmp_path / "data/ports.json").read_text())
    assert kept["ports"] == {"a": {"http": port}}


async def test_a_configured_port_that_is_taken_fails_the_start_and_names_the_holder() -> None:
    port = free_port()
    with listener(port):
        async with managed(sh("a", "echo started", port=port, max_retries=0)) as manager:
            failed = await until(manager, lambda now: now.status is Status.FAILED)
            assert failed.last_error.startswith(f"port {port} is taken by py")
            assert "port of a" in failed.last_error
            assert await texts(manager) == []


async def test_a_chosen_port_that_is_taken_at_the_start_is_replaced(tmp_path: Path) -> None:
    web = sh("a", SERVER, port="auto", cwd=str(tmp_path), autostart=False)
    async with managed(web, settings=Settings(data_dir=str(tmp_path))) as manager:
        (before,) = (await row(manager)).ports
        with listener(before):
            await manager.start("a")
            after = await running(manager)
            assert before not in after.ports
