"""The application: the endpoints, bound to the methods of the route classes that answer them."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import groupby
from operator import attrgetter
from types import SimpleNamespace
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from pmtui.api.endpoints import ENDPOINTS
from pmtui.api.loop_lag import LoopLagMeter
from pmtui.api.responses import on_control_error, on_disconnect, on_http_error, on_internal_error
from pmtui.api.routes.adhoc import AdhocRoutes
from pmtui.api.routes.events import EventRoutes
from pmtui.api.routes.logs import LogRoutes
from pmtui.api.routes.manager import ManagerRoutes
from pmtui.api.routes.processes import ProcessRoutes
from pmtui.api.routes.terminals import TerminalRoutes
from pmtui.api.routes.web import no_web, web_routes
from pmtui.api.sse import StreamRegistry
from pmtui.control import ControlError, ManagerControl

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
HANDLERS = {
    HTTPException: on_http_error,
    ControlError: on_control_error,
    ClientDisconnect: on_disconnect,
    Exception: on_internal_error,
}


class Api(Starlette):
    """The application over a control; it does not authenticate.

    Routes match the path as it was sent, so that an encoded slash does not separate segments. The `open_paths` need no
    token.
    """

    def __init__(self, control: ManagerControl, *, has_web: bool = True) -> None:
        self.streams, self.lag = StreamRegistry(), LoopLagMeter()
        rooms = SimpleNamespace(
            manager=ManagerRoutes(control, self.lag),
            processes=ProcessRoutes(control),
            adhoc=AdhocRoutes(control),
            events=EventRoutes(control, self.streams),
            logs=LogRoutes(control, self.streams),
            terminals=TerminalRoutes(control),
        )
        web = web_routes() if has_web else [Route("/", no_web)]
        self.open_paths = frozenset({b"/api/health", *(route.path.encode() for route in web if has_web)})
        super().__init__(routes=[*_routes(rooms), *web], exception_handlers=HANDLERS)
        self.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_uncached(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"]).setdefault("cache-control", "no-store")
            await send(message)

        scope["path"] = scope["raw_path"].decode("ascii")
        await super().__call__(scope, receive, send_uncached)

    def close(self) -> None:
        """End the streams and the timer, which run until then."""
        self.streams.close()
        self.lag.close()


def _routes(rooms: SimpleNamespace) -> list[Route]:
    """One route for each path, in the order of the endpoints."""
    return [
        _route(path, {one.method: attrgetter(one.handler)(rooms) for one in same})
        for path, same in groupby(ENDPOINTS, key=attrgetter("path"))
    ]


def _route(path: str, handlers: Mapping[str, Handler]) -> Route:
    async def dispatch(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatch, methods=[*handlers])
