"""Read parameters and bodies of requests strictly: an error says what was expected."""

import asyncio
import re
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar, get_args
from urllib.parse import unquote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from pmtui.control import MAX_LINES, InvalidError, LogQuery, ManagerInfo, NotFoundError, Stream

LAST_EVENT_ID = "Last-Event-ID"
_NUMBER = "-?[0-9]{1,18}"

T = TypeVar("T")
C = TypeVar("C", bound=str)
ProcessPattern = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Selection(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a bulk operation: ids, globs and `@group`s."""

    ids: Annotated[list[ProcessPattern], msgspec.Meta(min_length=1, max_length=1000)]


class NewProcess(msgspec.Struct):
    """A process to add. Every other field of a process in the config is allowed too.

    `lease`: a pid, or a duration such as "5m"; the process is removed when that process is gone, or when the lease was
    not renewed for that long.
    """

    id: str
    command: str | msgspec.UnsetType = msgspec.UNSET
    script: str | msgspec.UnsetType = msgspec.UNSET
    args: list[str] = []
    cwd: str = ""
    env: dict[str, str] = {}
    lease: int | str | None = None


def segment(request: Request, name: str) -> str:
    """Return a segment of the path, percent-decoded once."""
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
    raise InvalidError(f"{name} must be one of {', '.join(allowed)}, not '{value}'.")


def line_count(request: Request) -> int:
    """Return `lines`, at most MAX_LINES."""
    value = request.query_params.get("lines", "100")
    found = re.fullmatch(r"([0-9]{1,19})(\.0+)?", value)
    if not found:
        raise InvalidError(f"lines must be a number from 0 to {MAX_LINES}, not '{value}'.")
    return min(int(found[1]), MAX_LINES)


def number(value: str, name: str) -> int:
    """Parse a whole number; `80.0` is one, as in JSON Schema."""
    found = re.fullmatch(rf"({_NUMBER})(\.0+)?", value)
    if not found:
        raise InvalidError(f"{name} must be a number, not '{value}'.")
    return int(found[1])


def log_query(request: Request) -> LogQuery:
    """Return which lines are requested. Values of `since`, `grep` and others are checked by the logs."""
    query = LogQuery(lines=line_count(request))
    parameters = request.query_params
    if "stream" in parameters:
        query["stream"] = choice(parameters["stream"], get_args(Stream), "stream")
    for name in ("since", "until", "grep", "search", "run", "level"):
        if value := parameters.get(name):
            query[name] = value
    if values := parameters.getlist("field"):
        query["field"] = "\n".join(values)
    if value := parameters.get("before"):
        query["before"] = number(value, "before")
    if value := parameters.get("rate"):
        query["rate"] = number(value, "rate")
    if flag(request, "raw", default=False):
        query["raw"] = True
    return query


def patterns(request: Request) -> list[str]:
    """Return the ids, globs and `@group`s in `ids`; `*` if it is missing."""
    values = request.query_params.getlist("ids") or ["*"]
    chosen = [pattern for value in values for pattern in value.split(",") if pattern]
    if not chosen:
        raise InvalidError("ids must not be empty; omit it to select all processes.")
    return chosen


def manager_id(info: ManagerInfo) -> str:
    """Return what the ids of streamed events begin with; no two managers share it."""
    return f"{info.pid}-{datetime.fromisoformat(info.start_time).timestamp() * 1000:.0f}"


def last_event_id(request: Request, manager: str) -> int | None:
    """Return the number of the event after which a client resumes a stream; 0 if another manager sent it."""
    value = request.headers.get(LAST_EVENT_ID)
    if value is None:
        return None
    name, _, place = value.rpartition(":")
    if not re.fullmatch(_NUMBER, place):
        raise InvalidError(f"{LAST_EVENT_ID} must be a number, not '{value}'.")
    return int(place) if name in ("", manager) else 0


def last_event_ids(request: Request, manager: str) -> dict[str, int]:
    """Return that number for each process of a stream of several; empty if the client does not resume one."""
    value = request.headers.get(LAST_EVENT_ID)
    if value is None:
        return {}
    name, _, text = value.rpartition(":")
    places = [re.fullmatch(f"([A-Za-z0-9][A-Za-z0-9._-]*)=({_NUMBER})", part) for part in text.split(",")]
    if not all(places):
        raise InvalidError(f"{LAST_EVENT_ID} must have the form web=12,worker=7, not '{value}'.")
    return {place[1]: int(place[2]) if name in ("", manager) else 0 for place in places if place}


async def selection(request: Request) -> Selection:
    """Return the body of a bulk operation. Status 400 if it is not JSON, 422 if it has the wrong shape."""
    document = await json_body(request)
    try:
        return msgspec.convert(document, Selection)
    except msgspec.ValidationError as error:
        raise HTTPException(422, f'The body must have the form {{"ids": ["web-*", "@group"]}}: {error}.') from None


async def new_process(request: Request) -> dict[str, Any]:
    """Return the fields of a process to add; they are checked by the manager."""
    document = await json_body(request)
    if not isinstance(document, dict):
        raise HTTPException(422, 'The body must have the form {"id": "job", "command": "./job.sh"}.')
    return document


async def json_body(request: Request) -> Any:
    body = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidError("The body must be JSON, sent with 'Content-Type: application/json'.")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidError(f"The body is not valid JSON: {error}.") from None


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, and cancel it if the client disconnects."""
    task, leaving = asyncio.create_task(work), asyncio.create_task(_wait_disconnect(request))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def _wait_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
