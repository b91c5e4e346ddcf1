"""A running manager as a `Control`: the same operations as in-process, over HTTP."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias, TypeVar, Unpack

import httpx
import msgspec

from pmtui.client.discovery import ManagerAddress, ManagerUnavailableError, NoManagerError
from pmtui.client.errors import TOKEN_INVALID, decode_response, decode_terminal_event, error_from_response
from pmtui.client.http_client import process_path, split_url
from pmtui.client.sse import LAST_EVENT_ID_HEADER, EventStreamParser, ServerSentEvent
from pmtui.control import (
    INACTIVE_STATES,
    MAX_EVENTS,
    ConfigChanges,
    ConflictError,
    ControlError,
    Detail,
    Graph,
    InvalidError,
    JobRun,
    LogLine,
    ManagerInfo,
    Operation,
    PageQuery,
    PastEvent,
    ProcessEvent,
    RawLogLine,
    Result,
    Results,
    Snapshot,
    Status,
    TerminalEvent,
    UnavailableError,
    UsageHistory,
)

T = TypeVar("T")
Batch: TypeAlias = list[ServerSentEvent]
Rows: TypeAlias = list[Snapshot]
History: TypeAlias = list[ProcessEvent]
PastEvents: TypeAlias = list[PastEvent]
Runs: TypeAlias = list[JobRun]
REQUEST_TIMEOUT = 3.0
"""Seconds until a response that does not wait for a process is given up and the last state is stale."""
SEARCH_TIMEOUT = 12.0
"""Seconds until a search of logs is given up; the manager itself gives up after 10 s, and says so."""
STREAM_TIMEOUT = 40.0
"""Seconds of silence after which a stream counts as dead; the server sends a heartbeat every 15 s."""
RETRY_DELAY = 1.0
"""Seconds until a lost stream is reconnected."""
MIN_POLL_INTERVAL, MAX_POLL_INTERVAL = 0.02, 0.25
"""Seconds between two requests while waiting for a process; grows from the first to the second."""


LINES: type[Sequence[LogLine]] = list[LogLine]
RAW_LINES: type[Sequence[LogLine]] = list[RawLogLine]


class Added(msgspec.Struct):
    """The answer to a process that was added."""

    id: str


class RemoteControl:
    """Implements `Control`. `locate` returns the address of the manager, also after it was restarted.

    Raises UnavailableError, which says since when there has been no response, if the manager cannot be reached.
    """

    def __init__(self, locate: Callable[[], ManagerAddress]) -> None:
        self._locate = locate
        self._address: ManagerAddress | None = None
        self._client: httpx.AsyncClient | None = None
        self._answered_at = time.time()

    @property
    def address(self) -> ManagerAddress | None:
        """The last known address of the manager."""
        return self._address

    async def close(self) -> None:
        if client := self._client:
            self._client = None
            await client.aclose()

    # BaseControl

    async def list(self) -> Sequence[Snapshot]:
        return await self._get("/api/pm/list", Rows)

    async def get(self, process_id: str) -> Detail:
        return await self._get(process_path(process_id), Detail)

    async def start(self, process_id: str) -> None:
        await self._request("POST", process_path(process_id, "start"))

    async def stop(self, process_id: str) -> None:
        await self._request("POST", process_path(process_id, "stop"), wait="false")

    async def restart(self, process_id: str) -> None:
        await self._request("POST", process_path(process_id, "restart"))

    async def roll(self, process_id: str) -> None:
        await self._request("POST", process_path(process_id, "restart"), rolling="true")

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        pause = MIN_POLL_INTERVAL
        while (row := await self.get(process_id)).status not in statuses | INACTIVE_STATES:
            await asyncio.sleep(pause)
            pause = min(MAX_POLL_INTERVAL, pause * 1.5)
        return row

    async def signal(self, process_id: str, name: str) -> None:
        await self._request("POST", process_path(process_id, "signal", name))

    async def bulk(
        self, operation: Operation, patterns: Sequence[str], *, wait: bool | None = None
    ) -> Sequence[Result]:
        query = {} if wait is None else {"wait": str(wait).lower()}
        answer = await self._request("POST", f"/api/pm/{operation}", {"ids": [*patterns]}, read_timeout=None, **query)
        return decode_response(answer, Results).results

    async def logs(self, process_id: str, **query: Unpack[PageQuery]) -> Sequence[LogLine]:
        form = RAW_LINES if query.get("raw") else LINES
        words = {name: value for name, value in query.items() if value not in (None, "") and value is not False}
        if query.get("raw"):
            words["raw"] = "true"
        path = process_path(process_id, "logs")
        answer = await self._request("GET", path, None, SEARCH_TIMEOUT, **{"lines": 100, **words})
        return decode_response(answer, form)

    async def events(self) -> AsyncGenerator[ProcessEvent, None]:
        """Yield every change of status from now on; those during a lost connection follow once it is back."""
        events = EventStreamParser()
        manager: tuple[int, str] | None = None
        while True:
            try:
                before, manager = manager, manager_identity(await self.about())
                events.resume(elsewhere=before not in (None, manager))
                async with aclosing(self.stream("/api/pm/events", events)) as batches:
                    async for batch in batches:
                        for told in batch:
                            if told.kind == "message":
                                yield decode_response(told.data, ProcessEvent)
            except UnavailableError:
                pass  # `list` reports it
            await asyncio.sleep(RETRY_DELAY)

    # Control

    async def kill(self, process_id: str) -> None:
        await self._request("POST", process_path(process_id, "stop"), wait="false", now="true")

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        return await self._get(process_path(process_id, "events"), History)

    async def past_events(
        self, process_id: str, since: str, until: str = "", limit: int = MAX_EVENTS
    ) -> Sequence[PastEvent]:
        path = process_path(process_id, "events")
        return await self._get(path, PastEvents, since=since, until=until or None, limit=limit)

    async def usage_history(
        self, process_id: str, since: str = "1h", until: str = "", points: int = 300
    ) -> UsageHistory:
        path = process_path(process_id, "history")
        return await self._get(path, UsageHistory, since=since, until=until or None, points=points)

    async def clear_logs(self, process_id: str) -> None:
        await self._request("DELETE", process_path(process_id, "logs"))

    async def runs(self, process_id: str) -> Sequence[JobRun]:
        return await self._get(process_path(process_id, "runs"), Runs)

    async def reveal(self, process_id: str, name: str) -> str:
        raise ControlError(
            f"The value of {name} is shown only in the manager's own dashboard; it is never sent over the API."
        )

    async def preview(self) -> ConfigChanges:
        return decode_response(await self._request("POST", "/api/pm/reload", dryRun="true"), ConfigChanges)

    async def reload(self) -> ConfigChanges:
        return decode_response(await self._request("POST", "/api/pm/reload"), ConfigChanges)

    async def about(self) -> ManagerInfo:
        return await self._get("/api/pm/config", ManagerInfo)

    async def graph(self) -> Graph:
        return await self._get("/api/pm/graph", Graph)

    async def add(self, fields: Mapping[str, Any], lease: int | str | None = None) -> str:
        answer = await self._request("POST", "/api/pm", {**fields, "lease": lease})
        return decode_response(answer, Added).id

    async def remove(self, process_id: str) -> None:
        await self._request("DELETE", process_path(process_id), read_timeout=None)

    async def renew(self, process_id: str) -> None:
        await self._request("POST", process_path(process_id, "lease"))

    async def send_input(
        self,
        process_id: str,
        data: bytes,
        *,
        end: bool = False,
        viewer: str | None = None,
        is_answer: bool = False,
    ) -> None:
        eof, answer = ("true" if flag else None for flag in (end, is_answer))
        await self._request("POST", process_path(process_id, "input"), data, eof=eof, viewer=viewer, answer=answer)

    async def resize(self, process_id: str, columns: int, rows: int, viewer: str | None = None) -> None:
        size = {"columns": columns, "rows": rows}
        await self._request("POST", process_path(process_id, "size"), size, viewer=viewer)

    async def terminal(self, process_id: str, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
        if not (await self.get(process_id)).config.get("tty"):
            raise ConflictError(f"Process '{process_id}' has no terminal; set tty to true.")
        return self._terminal_events(process_id, viewer)

    async def _terminal_events(self, process_id: str, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
        path, events = process_path(process_id, "logs", "stream"), EventStreamParser()
        async with aclosing(self.stream(path, events, raw="true", viewer=viewer)) as batches:
            async for batch in batches:
                for event in batch:
                    if event.kind in ("message", "size"):
                        yield decode_terminal_event(event)

    # HTTP

    async def stream(self, path: str, events: EventStreamParser, **query: object) -> AsyncGenerator[Batch, None]:
        """Yield the events of a stream after `events.last_event_id`, until the manager ends it."""
        events.resume()
        headers = {LAST_EVENT_ID_HEADER: events.last_event_id} if events.last_event_id else {}
        timeout = httpx.Timeout(REQUEST_TIMEOUT, read=STREAM_TIMEOUT)
        try:
            client = self._get_client()
            async with client.stream(
                "GET", path, params=query_params(query), headers=headers, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    raise error_from_response(response.status_code, await response.aread())
                async for data in response.aiter_bytes():
                    if told := events.parse(data):
                        yield told
        except httpx.ConnectError:
            await self.close()
            raise self._unavailable("nothing listens there") from None
        except httpx.HTTPError:
            raise self._unavailable("connection lost") from None

    async def _get(self, path: str, form: type[T], **query: object) -> T:
        return decode_response(await self._request("GET", path, None, REQUEST_TIMEOUT, **query), form)

    async def _request(
        self, method: str, path: str, body: object = None, read_timeout: float | None = REQUEST_TIMEOUT, **query: object
    ) -> bytes:
        timeout = httpx.Timeout(REQUEST_TIMEOUT, read=read_timeout)
        try:
            client = self._get_client()
            content = {"content": body} if isinstance(body, bytes) else {"json": body}
            response = await client.request(method, path, params=query_params(query), timeout=timeout, **content)
        except UnicodeEncodeError:
            raise InvalidError(TOKEN_INVALID) from None
        except httpx.TimeoutException:
            await self.close()
            raise self._unavailable("no response") from None
        except httpx.HTTPError:
            await self.close()
            raise self._unavailable("connection lost") from None
        self._answered_at = time.time()
        if response.status_code == 401 and await self._has_another_token(client):
            return await self._request(method, path, body, read_timeout, **query)
        if response.status_code not in (200, 201):
            raise error_from_response(response.status_code, response.content)
        return response.content

    async def _has_another_token(self, denied: httpx.AsyncClient) -> bool:
        """Locate the manager again: a starting one accepts connections before its token can be found."""
        if self._client is denied:
            await self.close()
        given: str | None = denied.headers.get("Authorization")
        found: str | None = self._get_client().headers.get("Authorization")
        return found != given

    def _get_client(self) -> httpx.AsyncClient:
        """Return a client of the current manager, which may have been restarted."""
        if self._client is None:
            try:
                place = self._locate()
            except NoManagerError:
                raise self._unavailable("no manager is running") from None
            except ManagerUnavailableError as error:
                raise self._unavailable(str(error)) from None
            self._address = place
            _, address = split_url(place.url)
            headers = {"Authorization": f"Bearer {place.token}"} if place.token else {}
            self._client = httpx.AsyncClient(base_url=address.geturl(), headers=headers, trust_env=False)
        return self._client

    def _unavailable(self, reason: str) -> UnavailableError:
        since = time.strftime("%H:%M:%S", time.localtime(self._answered_at))
        return UnavailableError(f"stale since {since}: {reason}")


def manager_identity(manager: ManagerInfo) -> tuple[int, str]:
    """Return what distinguishes a manager from the next one of the same config."""
    return manager.pid, manager.start_time


def query_params(query: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}
