"""The routes: what can be asked of a manager over HTTP."""

from typing import get_args

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pmtui.api.loop_lag import LoopLagMeter
from pmtui.api.responses import on_control_error, on_disconnect, on_http_error, on_internal_error
from pmtui.api.routes.events import EventRoutes
from pmtui.api.routes.logs import LogRoutes
from pmtui.api.routes.manager import ManagerRoutes
from pmtui.api.routes.processes import ProcessRoutes
from pmtui.api.sse import StreamRegistry
from pmtui.control import ControlError, ManagerControl, Operation

HANDLERS = {
    HTTPException: on_http_error,
    ControlError: on_control_error,
    ClientDisconnect: on_disconnect,
    Exception: on_internal_error,
}


class Api(Starlette):
    """The application over a control; who may ask is the guard's business.

    Routes match the path as it was sent, so that an encoded slash makes no segment.
    """

    def __init__(self, control: ManagerControl) -> None:
        self.streams, self.lag = StreamRegistry(), LoopLagMeter()
        super().__init__(routes=_routes(control, self.streams, self.lag), exception_handlers=HANDLERS)
        self.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = scope["raw_path"].decode("ascii")
        await super().__call__(scope, receive, send)

    def close(self) -> None:
        """Ends what would not end by itself."""
        self.streams.close()
        self.lag.close()


def _routes(control: ManagerControl, streams: StreamRegistry, lag: LoopLagMeter) -> list[Route]:
    house, processes = ManagerRoutes(control, lag), ProcessRoutes(control)
    events, logs = EventRoutes(control, streams), LogRoutes(control, streams)
    one = "/api/pm/{id}"
    return [
        Route("/metrics", house.metrics),
        Route("/openapi.json", house.openapi),
        Route("/api/health", house.health),
        Route("/api/pm/list", processes.list),
        Route("/api/pm/events", events.stream),
        Route("/api/pm/logs/stream", logs.stream_of_many),
        Route("/api/pm/config", house.config),
        Route("/api/pm/graph", house.graph),
        Route("/api/pm/reload", house.reload, methods=["POST"]),
        *(Route(f"/api/pm/{name}", processes.bulk, methods=["POST"]) for name in get_args(Operation)),
        Route(one, processes.get),
        Route(f"{one}/start", processes.start, methods=["POST"]),
        Route(f"{one}/restart", processes.restart, methods=["POST"]),
        Route(f"{one}/stop", processes.stop, methods=["POST"]),
        Route(f"{one}/signal/{{name}}", processes.signal, methods=["POST"]),
        Route(f"{one}/events", events.history),
        Route(f"{one}/logs", logs.lines, methods=["GET", "DELETE"]),
        Route(f"{one}/logs/files", logs.files),
        Route(f"{one}/logs/stream", logs.stream),
    ]
