"""What can be asked of the manager itself."""

from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.answers import as_json
from pmtui.api.requests import flag
from pmtui.control import Service


class HouseRoutes:
    """One method a route."""

    def __init__(self, control: Service) -> None:
        self.control = control

    async def health(self, request: Request) -> Response:
        return as_json({"status": 200, "message": "API is healthy.", "data": {}})

    async def config(self, request: Request) -> Response:
        return as_json(await self.control.about())

    async def graph(self, request: Request) -> Response:
        return as_json(await self.control.graph())

    async def reload(self, request: Request) -> Response:
        is_dry = flag(request, "dryRun", default=False)
        await request.body()
        return as_json(await (self.control.preview() if is_dry else self.control.reload()))
