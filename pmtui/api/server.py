"""Serve the API in the running loop: uvicorn's server without its signal handlers and its timer."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from pmtui.api.app import Api
from pmtui.api.auth import Application, AuthMiddleware, Receive, Send, TokenChecker
from pmtui.api.http.connection import Connection
from pmtui.api.http.framing import BODY_LIMIT, FORWARD_PREFIX, HEAD_LIMIT
from pmtui.api.http.listener import BACKLOG, Listener
from pmtui.api.http.uvicorn_shim import Config, Server
from pmtui.control import ManagerControl

SHUTDOWN_TIMEOUT = 1.0
IDLE_TIMEOUT = 60
ACCEPT_BATCH_SIZE = 16


class ApiServer:
    """Serves the API of a manager; `forwarder` handles the requests for its processes."""

    def __init__(
        self,
        control: ManagerControl,
        token: str,
        listener: Listener,
        *,
        has_web: bool = True,
        forwarder: Application | None = None,
        token_checker: TokenChecker | None = None,
    ) -> None:
        self._app = Api(control, has_web=has_web)

        async def dispatch(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
            is_forwarded = forwarder and scope["raw_path"].startswith(FORWARD_PREFIX)
            await (forwarder if forwarder and is_forwarded else self._app)(scope, receive, send)

        guard = AuthMiddleware(dispatch, token, listener.host, listener.port, self._app.open_paths, token_checker)
        self._listener = listener
        self._server = _Server(
            Config(
                guard,
                http=Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                proxy_headers=False,
                backlog=ACCEPT_BATCH_SIZE,
                timeout_keep_alive=IDLE_TIMEOUT,
                h11_max_incomplete_event_size=HEAD_LIMIT + BODY_LIMIT,
            )
        )
        self._closing = asyncio.Event()
        self._closed = asyncio.Event()
        self._closed.set()

    async def serve(self) -> None:
        """Serve until `close` is called; then streams end, and other requests have a second to finish."""
        self._closed.clear()
        try:
            await self._server.open(self._listener)
            await self._closing.wait()
        finally:
            self._app.close()
            await self._server.shutdown()
            self._closed.set()

    async def close(self) -> None:
        """End `serve`, and return when the port is free."""
        self._closing.set()
        await self._closed.wait()
        self._listener.socket.close()


class _Server(Server):
    async def open(self, listener: Listener) -> None:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        self.servers = []
        await self.startup([listener.socket])
        # asyncio accepts up to `backlog` connections before it reads from any: a small number, so that a connection is
        # not evicted before it was read from. The kernel may queue more.
        listener.socket.listen(BACKLOG)

    async def shutdown(self, sockets: object = None) -> None:
        state = self.server_state
        for server in self.servers:
            server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await _wait_tasks(state.tasks, SHUTDOWN_TIMEOUT)
        for connection in list(state.connections):
            connection.transport.abort()
        for task in await _wait_tasks(state.tasks, SHUTDOWN_TIMEOUT / 2):
            task.cancel()


async def _wait_tasks(tasks: set[asyncio.Task[None]], within: float) -> set[asyncio.Task[None]]:
    """Wait `within` seconds, and return the tasks that have not ended."""
    if not tasks:
        return set()
    _, left = await asyncio.wait(tasks, timeout=within)
    return left
