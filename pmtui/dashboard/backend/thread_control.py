"""A manager on another thread's loop, asked from this one."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

from pmtui.control import (
    ConfigChanges,
    Control,
    Detail,
    Graph,
    LogLine,
    ManagerInfo,
    Operation,
    ProcessEvent,
    Result,
    Snapshot,
    Status,
    Stream,
    UnavailableError,
)

T = TypeVar("T")


class ThreadControl:
    """Implements `Console`: every call is carried out on `loop`, and waited for on the caller's."""

    def __init__(self, control: Control, loop: asyncio.AbstractEventLoop) -> None:
        self._control, self._loop = control, loop

    async def _call(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(call, self._loop)
        except RuntimeError:  # the loop is closed
            call.close()
            raise UnavailableError("The manager has ended.") from None
        return await asyncio.wrap_future(future)

    async def list(self) -> Sequence[Snapshot]:
        return await self._call(self._control.list())

    async def get(self, process_id: str) -> Detail:
        return await self._call(self._control.get(process_id))

    async def start(self, process_id: str) -> None:
        await self._call(self._control.start(process_id))

    async def stop(self, process_id: str) -> None:
        await self._call(self._control.stop(process_id))

    async def restart(self, process_id: str) -> None:
        await self._call(self._control.restart(process_id))

    async def wait(self, process_id: str, statuses: frozenset[Status]) -> Snapshot:
        return await self._call(self._control.wait(process_id, statuses))

    async def signal(self, process_id: str, name: str) -> None:
        await self._call(self._control.signal(process_id, name))

    async def bulk(self, operation: Operation, patterns: Sequence[str]) -> Sequence[Result]:
        return await self._call(self._control.bulk(operation, patterns))

    async def logs(self, process_id: str, *, lines: int = 100, stream: Stream | None = None) -> Sequence[LogLine]:
        return await self._call(self._control.logs(process_id, lines=lines, stream=stream))

    async def kill(self, process_id: str) -> None:
        await self._call(self._control.kill(process_id))

    async def history(self, process_id: str) -> Sequence[ProcessEvent]:
        return await self._call(self._control.history(process_id))

    async def clear_logs(self, process_id: str) -> None:
        await self._call(self._control.clear_logs(process_id))

    async def reveal(self, process_id: str, name: str) -> str:
        return await self._call(self._control.reveal(process_id, name))

    async def preview(self) -> ConfigChanges:
        return await self._call(self._control.preview())

    async def reload(self) -> ConfigChanges:
        return await self._call(self._control.reload())

    async def about(self) -> ManagerInfo:
        return await self._call(self._control.about())

    async def graph(self) -> Graph:
        return await self._call(self._control.graph())

    async def events(self) -> AsyncIterator[ProcessEvent]:
        here = asyncio.get_running_loop()
        queue: asyncio.Queue[ProcessEvent] = asyncio.Queue()

        async def forward() -> None:
            async for event in self._control.events():
                here.call_soon_threadsafe(queue.put_nowait, event)

        task = asyncio.ensure_future(self._call(forward()))
        try:
            while True:
                yield await queue.get()
        finally:
            task.cancel()
