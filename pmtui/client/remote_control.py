"""A manager elsewhere as a `Console`: the same operations as in-process, over HTTP."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeAlias, TypeVar, Unpack

import httpx
import msgspec

from pmtui.client.discovery import NoManagerError, Place, SilentManagerError
from pmtui.client.errors import decoded, error_of
from pmtui.client.http_client import path_of, split_url
from pmtui.client.sse import HEADER, Events, Told
from pmtui.control import (
    About,
    Changes,
    ControlError,
    Detail,
    Event,
    Graph,
    InvalidError,
    LogLine,
    LogQuery,
    Operation,
    RawLogLine,
    Result,
    Snapshot,
    Status,
    UnavailableError,
)

T = TypeVar("T")
Batch: TypeAlias = list[Told]
Rows: TypeAlias = list[Snapshot]
History: TypeAlias = list[Event]
PATIENCE = 3.0
"""Seconds for an answer that does not wait for a process; after that what was known is stale."""
SILENCE = 40.0
"""Seconds without a word, after which a stream is dead: its server speaks every 15 s."""
AGAIN = 1.0
"""Seconds until a stream that was cut off is tried again."""
SHORTEST, LONGEST = 0.02, 0.25
"""Seconds between two looks at a process that is waited for, first and in the end."""


LINES: type[Sequence[LogLine]] = list[LogLine]
RAW_LINES: type[Sequence[LogLine]] = list[RawLogLine]


class Results(msgspec.Struct):
    results: list[Result]


class RemoteControl:
    """Implements `Console` on the loop that asks first. `locate` tells where the manager is now, also after a restart.

    What cannot be asked is an UnavailableError that says since when there has been no answer.
    """

    def __init__(self, locate: Callable[[], Place]) -> None:
        self._locate = locate
        self._place: Place | None = None
        self._client: httpx.AsyncClient | None = None
        self._answered = time.time()

    @property
    def place(self) -> Place | None:
        """Where the manager answered last."""
        return self._place

    async def close(self) -> None:
        if client := self._client:
            self._client = None
            await client.aclose()

    # Control

    async def list(self) -> Sequence[Snapshot]:
        return await self._get("/api/pm/list", Rows)

    async def get(self, process_id: str) -> Detail:
        return await self._get(path_of(process_id), Detail)

    async def start(self, process_id: str) -> None:
        await self._ask("POST", path_of(process_id, "start"))

    async def stop(self, process_id: str) -> None:
        await self._ask("POST", path_of(process_id, "stop"), wait="false")

    async def restart(self, process_id: str) -> None:
        await self._ask("POST", path_of(process_id, "restart"))

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        pause = SHORTEST
        while (row := await self.get(process_id)).status not in statuses:
            await asyncio.sleep(pause)
            pause = min(LONGEST, pause * 1.5)
        return row

    async def signal(self, process_id: str, name: str) -> None:
        await self._ask("POST", path_of(process_id, "signal", name))

    async def bulk(self, operation: Operation, patterns: Sequence[str]) -> Sequence[Result]:
        answer = await self._ask("POST", f"/api/pm/{operation}", {"ids": [*patterns]}, patience=None)
        return decoded(answer, Results).results

    async def logs(self, process_id: str, **query: Unpack[LogQuery]) -> Sequence[LogLine]:
        form = RAW_LINES if query.get("raw") else LINES
        words = {name: str(value).lower() if value is True else value for name, value in query.items() if value}
        return await self._get(path_of(process_id, "logs"), form, **{"lines": 100, **words})

    async def events(self) -> AsyncGenerator[Event, None]:
        """Every change of state from now on; those that come while there is no connection follow when it is back."""
        events = Events()
        manager: tuple[int, str] | None = None
        while True:
            try:
                before, manager = manager, identity_of(await self.about())
                events.resume(elsewhere=before not in (None, manager))
                async with aclosing(self.stream("/api/pm/events", events)) as batches:
                    async for batch in batches:
                        for told in batch:
                            if told.kind == "message":
                                yield decoded(told.data, Event)
            except UnavailableError:
                pass  # whoever looks at the processes is told of it
            await asyncio.sleep(AGAIN)

    # Console

    async def kill(self, process_id: str) -> None:
        await self._ask("POST", path_of(process_id, "stop"), wait="false", now="true")

    async def history(self, process_id: str) -> Sequence[Event]:
        return await self._get(path_of(process_id, "events"), History)

    async def clear_logs(self, process_id: str) -> None:
        await self._ask("DELETE", path_of(process_id, "logs"))

    async def reveal(self, process_id: str, name: str) -> str:
        raise ControlError(f"The value of {name} is shown only where the manager runs: it does not leave its process.")

    async def preview(self) -> Changes:
        return decoded(await self._ask("POST", "/api/pm/reload", dryRun="true"), Changes)

    async def reload(self) -> Changes:
        return decoded(await self._ask("POST", "/api/pm/reload"), Changes)

    async def about(self) -> About:
        return await self._get("/api/pm/config", About)

    async def graph(self) -> Graph:
        return await self._get("/api/pm/graph", Graph)

    # the way there

    async def stream(self, path: str, events: Events, **query: object) -> AsyncGenerator[Batch, None]:
        """What a stream tells, as it comes, from `events.place` on; ends when the manager ends it, or is silent."""
        events.resume()
        headers = {HEADER: events.place} if events.place else {}
        timeout = httpx.Timeout(PATIENCE, read=SILENCE)
        try:
            client = self._connected()
            async with client.stream("GET", path, params=words(query), headers=headers, timeout=timeout) as response:
                if response.status_code != 200:
                    raise error_of(response.status_code, await response.aread())
                async for data in response.aiter_bytes():
                    if told := events.feed(data):
                        yield told
        except httpx.ConnectError:
            await self.close()
            raise self._stale("nobody is there") from None
        except httpx.HTTPError:
            raise self._stale("the connection is lost") from None

    async def _get(self, path: str, form: type[T], **query: object) -> T:
        return decoded(await self._ask("GET", path, None, PATIENCE, **query), form)

    async def _ask(
        self, method: str, path: str, body: object = None, patience: float | None = PATIENCE, **query: object
    ) -> bytes:
        timeout = httpx.Timeout(PATIENCE, read=patience)
        try:
            client = self._connected()
            response = await client.request(method, path, json=body, params=words(query), timeout=timeout)
        except UnicodeEncodeError:
            raise InvalidError("The token is none: it has characters that no request can carry.") from None
        except httpx.TimeoutException:
            await self.close()
            raise self._stale("no answer") from None
        except httpx.HTTPError:
            await self.close()
            raise self._stale("the connection is lost") from None
        self._answered = time.time()
        if response.status_code == 401 and await self._has_another_token(client):
            return await self._ask(method, path, body, patience, **query)
        if response.status_code != 200:
            raise error_of(response.status_code, response.content)
        return response.content

    async def _has_another_token(self, denied: httpx.AsyncClient) -> bool:
        """Looks for the manager again: one that starts can be connected to before its token is found."""
        if self._client is denied:
            await self.close()
        given: str | None = denied.headers.get("Authorization")
        found: str | None = self._connected().headers.get("Authorization")
        return found != given

    def _connected(self) -> httpx.AsyncClient:
        """A client of the manager that runs now, which may be another one than before."""
        if self._client is None:
            try:
                place = self._locate()
            except NoManagerError:
                raise self._stale("no manager runs") from None
            except SilentManagerError as error:
                raise self._stale(str(error)) from None
            self._place = place
            _, address = split_url(place.url)
            headers = {"Authorization": f"Bearer {place.token}"} if place.token else {}
            self._client = httpx.AsyncClient(base_url=address.geturl(), headers=headers, trust_env=False)
        return self._client

    def _stale(self, reason: str) -> UnavailableError:
        since = time.strftime("%H:%M:%S", time.localtime(self._answered))
        return UnavailableError(f"stale since {since}: {reason}")


def identity_of(manager: About) -> tuple[int, str]:
    """What tells a manager from the one that comes after it."""
    return manager.pid, manager.start_time


def words(query: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}
