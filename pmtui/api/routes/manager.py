"""The manager itself: config, dependency graph, metrics and the description of the API."""

from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.errors import ErrorAnswer
from pmtui.api.loop_lag import LoopLagMeter
from pmtui.api.metrics import CONTENT_TYPE, metrics
from pmtui.api.openapi import document
from pmtui.api.parameters import flag
from pmtui.api.responses import as_json
from pmtui.control import ManagerControl


class ManagerRoutes:
    def __init__(self, control: ManagerControl, lag: LoopLagMeter) -> None:
        self.control = control
        self.lag = lag

    async def health(self, request: Request) -> Response:
        return as_json(ErrorAnswer(200, "API is healthy."))

    async def openapi(self, request: Request) -> Response:
        return as_json(document((await self.control.about()).version))

    async def config(self, request: Request) -> Response:
        return as_json(await self.control.about())

    async def graph(self, request: Request) -> Response:
        return as_json(await self.control.graph())

    async def reload(self, request: Request) -> Response:
        is_dry = flag(request, "dryRun", default=False)
        await request.body()
        return as_json(await (self.control.preview() if is_dry else self.control.reload()))

    async def metrics(self, request: Request) -> Response:
        await self.lag.measure()
        about, rows = await self.control.about(), await self.control.list()
        return Response(metrics(about, rows, await self.control.figures(), self.lag), media_type=CONTENT_TYPE)
