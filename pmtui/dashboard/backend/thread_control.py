"""A manager on another thread's loop, called from this one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar, cast

from pmtui.control import Control, ProcessEvent, TerminalEvent, UnavailableError

T = TypeVar("T")
MAX_QUEUED = 16


def thread_control(control: Control, loop: asyncio.AbstractEventLoop) -> Control:
    """Return a `Control` for this thread; every call runs on `loop`."""
    return cast("Control", _ThreadControl(control, loop))


class _ThreadControl:
    """Forwards every coroutine method by name; generators are written out."""

    def __init__(self, control: Control, loop: asyncio.AbstractEventLoop) -> None:
        self._control, self._loop = control, loop

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._control, name)

        async def call(*args: Any, **options: Any) -> Any:
            return await self._run(method(*args, **options))

        return call

    async def _run(self, call: Coroutine[Any, Any, Any]) -> Any:
        try:
            future = asyncio.run_coroutine_threadsafe(call, self._loop)
        except RuntimeError:  # the loop is closed
            call.close()
            raise UnavailableError("The manager has ended.") from None
        return await asyncio.wrap_future(future)

    def events(self) -> AsyncIterator[ProcessEvent]:
        return self._forward(self._control.events())

    async def terminal(self, process_id: str, viewer: str) -> AsyncGenerator[TerminalEvent, None]:
        return self._forward(await self._run(self._control.terminal(process_id, viewer)))

    async def _forward(self, source: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """Yield what `source` yields on its own loop, which waits for this one if it yields more."""
        here = asyncio.get_running_loop()
        queue: asyncio.Queue[T] = asyncio.Queue(MAX_QUEUED)

        async def forward() -> None:
            async with aclosing(cast("AsyncGenerator[T, None]", source)) as items:
                async for item in items:
                    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(queue.put(item), here))

        task = asyncio.ensure_future(self._run(forward()))
        try:
            while True:
                yield await queue.get()
        finally:
            task.cancel()
