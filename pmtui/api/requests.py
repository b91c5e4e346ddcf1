"""What a request asks for, read strictly: each function raises an error that says what was expected."""

import asyncio
import re
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from pmtui.control import InvalidError, NotFoundError

MOST_LINES = 10_000

T = TypeVar("T")
C = TypeVar("C", bound=str)
Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Selection(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an operation on several processes: ids, globs and `@group`s."""

    ids: Annotated[list[Pattern], msgspec.Meta(min_length=1, max_length=1000)]


def segment(request: Request, name: str) -> str:
    """A segment of the path, percent-decoded once."""
    raw: str = request.path_params[name]
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise NotFoundError(f"Process '{raw}' not found.") from None


def flag(request: Request, name: str, *, default: bool) -> bool:
    value = request.query_params.get(name)
    return default if value is None else choice(value.lower(), ("true", "false"), name) == "true"


def choice(value: str, allowed: Sequence[C], name: str) -> C:
    for allowed_value in allowed:
        if value == allowed_value:
            return allowed_value
    raise InvalidError(f"{name} is one of {', '.join(allowed)}, not '{value}'.")


def line_count(request: Request) -> int:
    """How many lines are wanted; more than can be sensible are as many as can be."""
    value = request.query_params.get("lines", "100")
    if not re.fullmatch("[0-9]{1,19}", value):
        raise InvalidError(f"lines is a number from 0 to {MOST_LINES}, not '{value}'.")
    return min(int(value), MOST_LINES)


async def selection(request: Request) -> Selection:
    """The body of a bulk operation: 400 where it is not JSON, 422 where it has another shape."""
    body = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidError("The body has to be JSON, with 'Content-Type: application/json'.")
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidError(f"The body is not valid JSON: {error}.") from None
    try:
        return msgspec.convert(document, Selection)
    except msgspec.ValidationError as error:
        raise HTTPException(422, f'The body has to be like {{"ids": ["web-*", "@group"]}}: {error}.') from None


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Awaits `work`, which is cancelled when the client leaves."""
    task, leaving = asyncio.create_task(work), asyncio.create_task(_departure(request))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def _departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
