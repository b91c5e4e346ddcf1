"""A manager on another thread's loop, called from this one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar, cast

from pmtui.control import Control, ProcessEvent, TerminalEvent, UnavailableError

T = TypeVar("T")
MAX_QUEUED = 16
ENDED = "The manager has ended."


def thread_control(control: Control, loop: asyncio.AbstractEventLoop, has_ended: Callable[[], bool]) -> Control:
    """Return a `Control` for this thread; every call runs on `loop`, and none begins there once it `has_ended`."""
    return cast("Control", _ThreadControl(control, loop, has_ended))


class _ThreadControl:
    """Forwards every coroutine method by name; generators are written out."""

    def __init__(self, control: Control, loop: asyncio.AbstractEventLoop, has_ended: Callable[[], bool]) -> None:
        self._control, self._loop, self._has_ended = control, loop, has_ended

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._control, name)

        async def call(*args: Any, **options: Any) -> Any:
            return await self._run(method(*args, **options))

        return call

    async def _run(self, call: Coroutine[Any, Any, Any]) -> Any:
        begun = self._begin(call)
        try:
            future = asyncio.run_coroutine_threadsafe(begun, self._loop)
        except RuntimeError:  # the loop is closed
            begun.close()
            call.close()
            raise UnavailableError(ENDED) from None
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise UnavailableError(ENDED) from None  # what still ran on the loop was cancelled

    async def _begin(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Run the call on its loop, unless only the rest of the loop is to be cleared up."""
        if self._has_ended():
            call.close()
            raise UnavailableError(ENDED)
        return await call

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
