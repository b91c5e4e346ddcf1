import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pmtui.api.http import listener
from pmtui.api.http.listener import ListenError, PortTakenError, listen
from tests.servers import free_port

HOLDER = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def test_clients_that_connect_before_the_server_runs_wait_for_it() -> None:
    listening = listen("127.0.0.1", 0)
    with listening.socket, socket.create_connection((listening.host, listening.port)):
        assert listening.url == f"http://127.0.0.1:{listening.port}"


def test_the_holder_of_a_taken_port_is_named() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline())
        with pytest.raises(PortTakenError) as refused:
            listen("127.0.0.1", port)
        holder.communicate(b"\n")
    assert str(refused.value).startswith(f"port {port} is in use by python")
    assert str(refused.value).endswith(f" (pid {holder.pid}); stop it or choose another port")


def test_an_invisible_holder_of_a_port_is_reported_as_such(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.spawner.usage.listening_ports", lambda: {})
    with pytest.raises(PortTakenError, match="is in use by a program of another user"):
        listen("127.0.0.1", taken)


def test_the_default_port_is_replaced_by_a_free_one_if_taken(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "DEFAULT_PORT", taken)
    with listen("127.0.0.1", None).socket as other:
        assert other.getsockname()[1] != taken


def test_a_port_can_be_reused_at_once() -> None:
    first = listen("127.0.0.1", free_port())
    first.socket.setblocking(True)
    with first.socket, socket.create_connection((first.host, first.port)):
        first.socket.accept()[0].close()
    listen(first.host, first.port).socket.close()


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_invalid_port_is_reported(port: int) -> None:
    with pytest.raises(ListenError, match=f"^invalid port {port}; choose 1 to 65535"):
        listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["host.invalid", "a" * 300, "256.1.1.1"])
def test_a_host_without_an_address_is_reported(host: str) -> None:
    with pytest.raises(ListenError, match=f"^cannot resolve host '{host}'"):
        listen(host, 0)


def test_an_address_of_another_machine_is_reported() -> None:
    with pytest.raises(ListenError, match=r"^cannot listen on 192\.0\.2\.1 port 0: Cannot assign requested address"):
        listen("192.0.2.1", 0)


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this machine has no IPv6")
def test_an_ipv6_address_is_bracketed_in_the_url() -> None:
    with (listening := listen("::1", 0)).socket:
        assert listening.url == f"http://[::1]:{listening.port}"
