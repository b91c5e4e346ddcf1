"""Processes that are added by request, and are not in the config."""

from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.parameters import new_process, segment, while_connected
from pmtui.api.responses import Done, as_json, done
from pmtui.control import ManagerControl


class AdhocRoutes:
    def __init__(self, control: ManagerControl) -> None:
        self.control = control

    async def add_process(self, request: Request) -> Response:
        fields = await new_process(request)
        lease = fields.pop("lease", None)
        return as_json(Done("Process added", await self.control.add(fields, lease)), 201)

    async def remove_process(self, request: Request) -> Response:
        process_id = segment(request, "id")
        await request.body()
        await while_connected(request, self.control.remove(process_id))
        return done("Process removed", process_id)

    async def renew_lease(self, request: Request) -> Response:
        process_id = segment(request, "id")
        await request.body()
        await self.control.renew(process_id)
        return done("Lease renewed", process_id)
