"""The routes: what can be asked of a `Control` over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Literal, get_args

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pmtui.api.answers import as_json, as_text, done, on_control_error, on_crash, on_disconnect, on_http_error
from pmtui.api.requests import choice, flag, line_count, segment, selection, while_connected
from pmtui.control import ConflictError, Control, ControlError, Operation, Status, Stream

SETTLED = frozenset({Status.RUNNING, Status.STOPPED, Status.COMPLETED, Status.FAILED})


class Api(Starlette):
    """The application. Routes match the path as it was sent, so that an encoded slash makes no segment."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = scope["raw_path"].decode("ascii")
        await super().__call__(scope, receive, send)


def create_app(control: Control) -> Api:
    """Makes the application over a control; who may ask is the guard's business."""
    ask = _Operations(control)
    one = "/api/pm/{id}"
    app = Api(
        routes=[
            Route("/api/health", ask.health),
            Route("/api/pm/list", ask.list),
            *(Route(f"/api/pm/{name}", ask.bulk, methods=["POST"]) for name in get_args(Operation)),
            Route(one, ask.get),
            Route(f"{one}/start", ask.start, methods=["POST"]),
            Route(f"{one}/restart", ask.restart, methods=["POST"]),
            Route(f"{one}/stop", ask.stop, methods=["POST"]),
            Route(f"{one}/signal/{{name}}", ask.signal, methods=["POST"]),
            Route(f"{one}/logs", ask.logs),
        ],
        exception_handlers={
            HTTPException: on_http_error,
            ControlError: on_control_error,
            ClientDisconnect: on_disconnect,
            Exception: on_crash,
        },
    )
    app.router.redirect_slashes = False
    return app


class _Operations:
    """One method a route. Each reads all of its request before it does anything to a process."""

    def __init__(self, control: Control) -> None:
        self.control = control

    async def health(self, request: Request) -> Response:
        return as_json({"status": 200, "message": "API is healthy.", "data": {}})

    async def list(self, request: Request) -> Response:
        return as_json(await self.control.list())

    async def get(self, request: Request) -> Response:
        return as_json(await self.control.get(segment(request, "id")))

    async def start(self, request: Request) -> Response:
        return await self._bring_up(request, self.control.start, "start")

    async def restart(self, request: Request) -> Response:
        return await self._bring_up(request, self.control.restart, "restart")

    async def stop(self, request: Request) -> Response:
        process_id, wait = segment(request, "id"), flag(request, "wait", default=True)
        await request.body()
        await self.control.stop(process_id)
        if not wait:
            return done("Process stop initiated", process_id)
        row = await while_connected(request, self.control.wait(process_id, SETTLED))
        if row.status is Status.RUNNING:
            raise ConflictError(f"Process '{process_id}' was started again by somebody else.")
        return done("Process stopped", process_id)

    async def signal(self, request: Request) -> Response:
        process_id, name = segment(request, "id"), segment(request, "name")
        await request.body()
        await self.control.signal(process_id, name)
        return done(f"Signal {name} sent", process_id)

    async def bulk(self, request: Request) -> Response:
        operation = choice(request.scope["path"].rpartition("/")[2], get_args(Operation), "operation")
        patterns = (await selection(request)).ids
        return as_json({"results": await self.control.bulk(operation, patterns)})

    async def logs(self, request: Request) -> Response:
        process_id, lines, query = segment(request, "id"), line_count(request), request.query_params
        form = choice(query.get("format", "json"), ("json", "text"), "format")
        stream = choice(query["stream"], get_args(Stream), "stream") if "stream" in query else None
        kept = await self.control.logs(process_id, lines=lines, stream=stream)
        return as_json(kept) if form == "json" else as_text(kept)

    async def _bring_up(
        self, request: Request, ask: Callable[[str], Awaitable[None]], verb: Literal["start", "restart"]
    ) -> Response:
        process_id, wait = segment(request, "id"), flag(request, "wait", default=False)
        await request.body()
        await ask(process_id)
        if not wait:
            return done(f"Process {verb} initiated", process_id)
        row = await while_connected(request, self.control.wait(process_id, SETTLED))
        if row.status in (Status.FAILED, Status.STOPPED):
            why = row.reason or row.last_error
            raise ConflictError(f"Process '{process_id}' is {row.status}{': ' * bool(why)}{why}.")
        return done(f"Process {verb}ed", process_id)
