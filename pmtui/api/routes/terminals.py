"""The terminal of a process: its input, size and screen."""

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pmtui.api.parameters import choice, flag, segment
from pmtui.api.responses import as_json, done
from pmtui.control import MAX_TERMINAL_SIZE, InvalidError, ManagerControl, TerminalSize

_SIZE_RULE = f'The body must have the form {{"columns": 80, "rows": 24}}, whole numbers from 1 to {MAX_TERMINAL_SIZE}.'


def _whole(value: object) -> object:
    """Return 80 for 80.0: to JSON Schema, both are the same integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class TerminalRoutes:
    def __init__(self, control: ManagerControl) -> None:
        self.control = control

    async def send_input(self, request: Request) -> Response:
        process_id, viewer = segment(request, "id"), request.query_params.get("viewer")
        end, is_answer = flag(request, "eof", default=False), flag(request, "answer", default=False)
        data = await request.body()
        await self.control.send_input(process_id, data, end=end, viewer=viewer, is_answer=is_answer)
        return done("Input sent", process_id)

    async def resize(self, request: Request) -> Response:
        process_id, viewer = segment(request, "id"), request.query_params.get("viewer")
        try:
            values = msgspec.json.decode(await request.body(), type=dict[str, Any])
            size = msgspec.convert({name: _whole(value) for name, value in values.items()}, TerminalSize)
        except (msgspec.DecodeError, RecursionError):
            raise InvalidError(_SIZE_RULE) from None
        await self.control.resize(process_id, size.columns, size.rows, viewer)
        return done("Size set", process_id)

    async def screen(self, request: Request) -> Response:
        process_id = segment(request, "id")
        form = choice(request.query_params.get("format", "json"), ("json", "ansi"), "format")
        screen, colored = await self.control.screen(process_id)
        if form == "json":
            return as_json(screen)
        return PlainTextResponse("".join(f"{line}\n" for line in colored), HTTPStatus.OK)
