"""A manager on another thread's loop, called from this one."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, cast

from pmtui.control import Control, ProcessEvent, UnavailableError


def thread_control(control: Control, loop: asyncio.AbstractEventLoop) -> Control:
    """Return a `Control` for this thread; every call runs on `loop`."""
    return cast("Control", _ThreadControl(control, loop))


class _ThreadControl:
    """Forwards every coroutine method by name; `events`, the one generator, is written out."""

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

    async def events(self) -> AsyncIterator[ProcessEvent]:
        here = asyncio.get_running_loop()
        queue: asyncio.Queue[ProcessEvent] = asyncio.Queue()

        async def forward() -> None:
            async for event in self._control.events():
                here.call_soon_threadsafe(queue.put_nowait, event)

        task = asyncio.ensure_future(self._run(forward()))
        try:
            while True:
                yield await queue.get()
        finally:
            task.cancel()
