"""Probes of https URLs, against real TLS servers."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from pmtui.monitors.health.probes import HttpProbe, ProbeError, error_text
from pmtui.monitors.health.tls import tls_context
from tests.servers import Web, all_let_go

ALERTS = {  # what a server that refuses the handshake sends: a TLS record with that alert
    70: "no TLS version in common with the server",
    40: "the server refused the TLS handshake",
    112: "the server does not know the name that was asked for",
}


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[trustme.CA]:
    """The only one that is trusted."""
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(tmp_path / "trusted.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    tls_context.cache_clear()
    yield trusted
    tls_context.cache_clear()


@asynccontextmanager
async def tls_site(certificate: trustme.LeafCert) -> AsyncIterator[Web]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    site = Web()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0, ssl=context)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site
    await all_let_go(site.port)


async def failure(url: str) -> str:
    try:
        await HttpProbe(url).check()
    except OSError as error:
        return error_text(error)
    except ProbeError as error:
        return str(error)
    return ""


async def test_a_certificate_that_is_trusted_is_good(authority: trustme.CA) -> None:
    async with tls_site(authority.issue_cert("localhost", "127.0.0.1")) as site:
        assert await HttpProbe(f"https://localhost:{site.port}").check() == "200 OK"
        assert await HttpProbe(f"https://127.0.0.1:{site.port}").check() == "200 OK"


@pytest.mark.parametrize("kind", ["unknown", "expired", "early", "name", "address"])
async def test_what_is_wrong_with_a_certificate_is_said_in_words(authority: trustme.CA, kind: str) -> None:
    now = datetime.now(UTC)
    host, certificate, text = {
        "unknown": (
            "localhost",
            trustme.CA().issue_cert("localhost"),
            "the certificate is signed by an unknown authority",
        ),
        "expired": (
            "localhost",
            authority.issue_cert("localhost", not_after=now - timedelta(days=1)),
            "the certificate has expired",
        ),
        "early": (
            "localhost",
            authority.issue_cert("localhost", not_before=now + timedelta(days=1)),
            "the certificate is not valid yet",
        ),
        "name": (
            "localhost",
            authority.issue_cert("shop.example"),
            "the certificate is not accepted: Hostname mismatch, certificate is not valid for 'localhost'",
        ),
        "address": (
            "127.0.0.1",
            authority.issue_cert("localhost"),
            "the certificate is not accepted: IP address mismatch, certificate is not valid for '127.0.0.1'",
        ),
    }[kind]
    async with tls_site(certificate) as site:
        assert await failure(f"https://{host}:{site.port}") == f"{text} (health.verify: false accepts any)"
        assert await HttpProbe(f"https://{host}:{site.port}", verify=False).check() == "200 OK"


async def test_a_certificate_that_signs_itself_is_named(authority: trustme.CA, tmp_path: Path) -> None:
    own = trustme.CA()
    files = tmp_path / "own.pem", tmp_path / "own.key"
    own.cert_pem.write_to_path(files[0])
    own.private_key_pem.write_to_path(files[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    async with await asyncio.start_server(Web().answer, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await failure(f"https://localhost:{port}")).startswith("the certificate is self-signed")
    await all_let_go(port)


async def test_a_server_without_tls_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await failure(f"https://127.0.0.1:{port}") == "the server does not speak TLS: use http"
    await all_let_go(port)


@pytest.mark.parametrize("alert", ALERTS)
async def test_a_refused_handshake_is_told_in_words(alert: int) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes([21, 3, 3, 0, 2, 2, alert]))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await failure(f"https://127.0.0.1:{port}") == ALERTS[alert]
        expected = "the server speaks TLS: use https"
        assert await failure(f"http://127.0.0.1:{port}") == expected
    await all_let_go(port)


async def test_a_server_that_asks_for_a_certificate_is_named(authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError), context.wrap_socket(connection, server_side=True):
                pass

        serving = asyncio.create_task(asyncio.to_thread(serve))
        expected = "the server asks for a client certificate"
        assert await failure(f"https://localhost:{listener.getsockname()[1]}") == expected
        await serving


async def test_a_connection_that_ends_in_the_handshake_is_told(authority: trustme.CA) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await failure(f"https://127.0.0.1:{port}") in (
            "the server closed the connection in the TLS handshake",
            "the connection was closed",
            "Connection reset by peer",
        )
    await all_let_go(port)


def test_a_host_name_that_is_not_known_is_told_without_numbers() -> None:
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo("300.300.300.300", 80, flags=socket.AI_NUMERICHOST)
    assert error_text(caught.value) == "the host name cannot be resolved: Name or service not known"


def test_several_addresses_that_all_fail_have_one_reason() -> None:
    error = OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed")
    assert error_text(error) == "Connection refused"
