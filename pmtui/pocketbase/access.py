"""What the manager's API does for PocketBase; nothing of it is loaded before it is needed."""

from collections.abc import MutableMapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pmtui.manager import Manager

if TYPE_CHECKING:
    from pmtui.api.auth import Receive, Send
    from pmtui.pocketbase.forwarder import Forwarder
    from pmtui.pocketbase.superusers import Superusers


class PocketBaseAccess:
    """Passes requests on to processes, and knows superusers if the config names a PocketBase."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._forwarder: Forwarder | None = None
        self._superusers: Superusers | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._forwarder:
            await self._forwarder.close()
        if self._superusers:
            await self._superusers.close()

    async def forward(self, scope: MutableMapping[str, Any], receive: "Receive", send: "Send") -> None:
        if self._forwarder is None:
            from pmtui.pocketbase.forwarder import Forwarder
            from pmtui.pocketbase.upstreams import Upstreams

            self._forwarder = Forwarder(Upstreams(self._manager))
        await self._forwarder(scope, receive, send)

    async def refuse_token(self, token: bytes) -> str:
        """Why a token that is not the manager's own is refused; empty if a superuser has it."""
        from pmtui.api.auth import TOKEN_NEEDED

        url = self._manager.supervisor.settings.pocketbase.url
        if url is None:
            return TOKEN_NEEDED
        if self._superusers is None or self._superusers.url != url:
            from pmtui.pocketbase.superusers import Superusers

            self._superusers = Superusers(url)
        return await self._superusers(token)
