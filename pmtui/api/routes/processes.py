"""Status of processes, and operations on them."""

from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from pmtui.api.parameters import flag, segment, selection, while_connected
from pmtui.api.responses import as_json, done
from pmtui.control import ConflictError, ManagerControl, Operation, Results


class ProcessRoutes:
    """Every method reads its whole request before it does anything to a process."""

    def __init__(self, control: ManagerControl) -> None:
        self.control = control

    async def list(self, request: Request) -> Response:
        return as_json(await self.control.list())

    async def get(self, request: Request) -> Response:
        return as_json(await self.control.get(segment(request, "id")))

    async def start(self, request: Request) -> Response:
        return await self._start_and_wait(request, self.control.start, "start")

    async def restart(self, request: Request) -> Response:
        ask = self.control.roll if flag(request, "rolling", default=False) else self.control.restart
        return await self._start_and_wait(request, ask, "restart")

    async def stop(self, request: Request) -> Response:
        process_id, wait = segment(request, "id"), flag(request, "wait", default=True)
        ask = self.control.kill if flag(request, "now", default=False) else self.control.stop
        await request.body()
        await ask(process_id)
        if not wait:
            return done("Process stop initiated", process_id)
        await self._wait(request, process_id, "stop")
        return done("Process stopped", process_id)

    async def signal(self, request: Request) -> Response:
        process_id, name = segment(request, "id"), segment(request, "name")
        await request.body()
        await self.control.signal(process_id, name)
        return done(f"Signal {name} sent", process_id)

    async def start_many(self, request: Request) -> Response:
        return await self._bulk(request, "start")

    async def stop_many(self, request: Request) -> Response:
        return await self._bulk(request, "stop")

    async def restart_many(self, request: Request) -> Response:
        return await self._bulk(request, "restart")

    async def _bulk(self, request: Request, operation: Operation) -> Response:
        wait = flag(request, "wait", default=operation == "stop")
        patterns = (await selection(request)).ids
        results = await while_connected(request, self.control.bulk(operation, patterns, wait=wait))
        return as_json(Results(results=results))

    async def _start_and_wait(
        self, request: Request, ask: Callable[[str], Awaitable[None]], verb: Literal["start", "restart"]
    ) -> Response:
        process_id, wait = segment(request, "id"), flag(request, "wait", default=False)
        await request.body()
        await ask(process_id)
        if not wait:
            return done(f"Process {verb} initiated", process_id)
        await self._wait(request, process_id, verb)
        return done(f"Process {verb}ed", process_id)

    async def _wait(self, request: Request, process_id: str, operation: Operation) -> None:
        """Wait for the operation. Raises ConflictError if it failed or was overruled."""
        result = await while_connected(request, self.control.outcome(process_id, operation))
        if not result.ok:
            raise ConflictError(result.message)
