"""A manager elsewhere as a `Console`: the same operations as in-process, over HTTP."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeAlias, TypeVar, Unpack

import httpx

from pmtui.client.discovery import ManagerAddress, ManagerUnavailableError, NoManagerError
from pmtui.client.errors import decode_response, error_from_response
from pmtui.client.http_client import process_path, split_url
from pmtui.client.sse import LAST_EVENT_ID_HEADER, EventStreamParser, ServerSentEvent
from pmtui.control import (
    ConfigChanges,
    ControlError,
    Detail,
    Graph,
    InvalidError,
    LogLine,
    LogQuery,
    ManagerInfo,
    Operation,
    ProcessEvent,
    RawLogLine,
    Result,
    Results,
    Snapshot,
    Status,
    UnavailableError,
)

T = TypeVar("T")
Batch: TypeAlias = list[ServerSentEvent]
Rows: TypeAlias = list[Snapshot]
History: TypeAlias = list[ProcessEvent]
REQUEST_TIMEOUT = 3.0
"""Seconds for an answer that does not wait for a process; after that what was known is stale."""
STREAM_TIMEOUT = 40.0
"""Seconds without a word, after which a stream is dead: its server speaks every 15 s."""
RETRY_DELAY = 1.0
"""Seconds until a stream that was cut off is tried again."""
MIN_POLL_INTERVAL, MAX_POLL_INTERVAL = 0.02, 0.25
"""Seconds between two looks at a process that is waited for, first and in the end."""


LINES: type[Sequence[LogLine]] = list[LogLine]
RAW_LINES: type[Sequence[LogLine]] = list[RawLogLine]


class RemoteControl:
    """Implements `Console` on the loop that asks first. `locate` tells where the manager is now, also after a restart.

    What cannot be asked is an UnavailableError that says since when there has been no answer.
    """

    def __init__(self, locate: Callable[[], ManagerAddress]) -> None:
        self._locate = locate
        self._address: ManagerAddress | None = None
        self._client: httpx.AsyncClient | None = None
        self._answered_at = time.time()

    @property
    def address(self) -> ManagerAddress | None:
        """Where the manager answered last."""
        return self._address

    async def close(self) -> None:
        if client := self._client:
            self._client = None
            await client.aclose()

    # Control

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

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        pause = MIN_POLL_INTERVAL
        while (row := await self.get(process_id)).status not in statuses:
            await asyncio.sleep(pause)
            pause = min(MAX_POLL_INTERVAL, pause * 1.5)
        return row

    async def signal(self, process_id: str, name: str) -> None:
        await self._request("POST", process_path(process_id, "signal", name))

    async def bulk(self, operation: Operation, patterns: Sequence[str]) -> Sequence[Result]:
        answer = await self._request("POST", f"/api/pm/{operation}", {"ids": [*patterns]}, patience=None)
        return decode_response(answer, Results).results

    async def logs(self, process_id: str, **query: Unpack[LogQuery]) -> Sequence[LogLine]:
        form = RAW_LINES if query.get("raw") else LINES
        words = {name: str(value).lower() if value is True else value for name, value in query.items() if value}
        return await self._get(process_path(process_id, "logs"), form, **{"lines": 100, **words})

    async def events(self) -> AsyncGenerator[ProcessEvent, None]:
        """Every change of state from now on; those that come while there is no connection follow when it is back."""
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
                pass  # whoever looks at the processes is told of it
            await asyncio.sleep(RETRY_DELAY)

    # Console

    async def kill(self, process_id: str) -> None:
        await self._request("POST", process_path(process_id, "stop"), wait="false", now="true")

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        return await self._get(process_path(process_id, "events"), History)

    async def clear_logs(self, process_id: str) -> None:
        await self._request("DELETE", process_path(process_id, "logs"))

    async def reveal(self, process_id: str, name: str) -> str:
        raise ControlError(f"The value of {name} is shown only where the manager runs: it does not leave its process.")

    async def preview(self) -> ConfigChanges:
        return decode_response(await self._request("POST", "/api/pm/reload", dryRun="true"), ConfigChanges)

    async def reload(self) -> ConfigChanges:
        return decode_response(await self._request("POST", "/api/pm/reload"), ConfigChanges)

    async def about(self) -> ManagerInfo:
        return await self._get("/api/pm/config", ManagerInfo)

    async def graph(self) -> Graph:
        return await self._get("/api/pm/graph", Graph)

    # the way there

    async def stream(self, path: str, events: EventStreamParser, **query: object) -> AsyncGenerator[Batch, None]:
        """What a stream tells, as it comes, from `events.place` on; ends when the manager ends it, or is silent."""
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
            raise self._unavailable("nobody is there") from None
        except httpx.HTTPError:
            raise self._unavailable("the connection is lost") from None

    async def _get(self, path: str, form: type[T], **query: object) -> T:
        return decode_response(await self._request("GET", path, None, REQUEST_TIMEOUT, **query), form)

    async def _request(
        self, method: str, path: str, body: object = None, patience: float | None = REQUEST_TIMEOUT, **query: object
    ) -> bytes:
        timeout = httpx.Timeout(REQUEST_TIMEOUT, read=patience)
        try:
            client = self._get_client()
            response = await client.request(method, path, json=body, params=query_params(query), timeout=timeout)
        except UnicodeEncodeError:
            raise InvalidError("The token is none: it has characters that no request can carry.") from None
        except httpx.TimeoutException:
            await self.close()
            raise self._unavailable("no answer") from None
        except httpx.HTTPError:
            await self.close()
            raise self._unavailable("the connection is lost") from None
        self._answered_at = time.time()
        if response.status_code == 401 and await self._has_another_token(client):
            return await self._request(method, path, body, patience, **query)
        if response.status_code != 200:
            raise error_from_response(response.status_code, response.content)
        return response.content

    async def _has_another_token(self, denied: httpx.AsyncClient) -> bool:
        """Looks for the manager again: one that starts can be connected to before its token is found."""
        if self._client is denied:
            await self.close()
        given: str | None = denied.headers.get("Authorization")
        found: str | None = self._get_client().headers.get("Authorization")
        return found != given

    def _get_client(self) -> httpx.AsyncClient:
        """A client of the manager that runs now, which may be another one than before."""
        if self._client is None:
            try:
                place = self._locate()
            except NoManagerError:
                raise self._unavailable("no manager runs") from None
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
    """What tells a manager from the one that comes after it."""
    return manager.pid, manager.start_time


def query_params(query: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}
