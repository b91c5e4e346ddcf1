"""The dashboard on a stage: a terminal of a given size that can be read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unicodedata import lookup

from textual.events import Key, Resize
from textual.geometry import Size
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot

from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.backend.log_source import LogSource
from pmtui.dashboard.style.glyphs import Glyphs
from tests.dashboard.scene import NOW, FakeLogs, scene
from tests.eventually import DEADLINE
from tests.fake_control import FakeControl


class FakeOwner:
    """Counts how often it was told to leave."""

    def __init__(self) -> None:
        self.asked = 0

    def request_exit(self) -> None:
        self.asked += 1


class Stage:
    """A running dashboard, its FakeControl and its logs."""

    def __init__(self, app: DashboardApp, pilot: Pilot[None], control: FakeControl, logs: LogSource) -> None:
        self.app, self.pilot, self.control, self.logs = app, pilot, control, logs
        self.owner = app.owner

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def ansi(self) -> str:
        """What is on the screen, with its colours."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.render(self.app.console) for strip in strips) + "\n"

    async def until(self, holds: Callable[[], object]) -> None:
        """Waits until something is so; fails after a while with what is on the screen."""
        async with asyncio.timeout(DEADLINE):
            try:
                while not holds():
                    await asyncio.sleep(0.005)
                    self.draw()
            except asyncio.CancelledError:
                raise AssertionError(f"it did not come true on\n{self.text}") from None

    async def settle(self) -> None:
        """Waits until all is handled and drawn that waits neither for a time nor for another thread.

        Textual's pilot takes a process that uses no CPU for one that has nothing to do, also if it is only slow.
        """
        loop: Any = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE):
            await self.app.animator.wait_until_complete()
            self.draw()
            while loop._ready:
                await asyncio.sleep(0)
                if not loop._ready:
                    self.draw()

    def draw(self) -> None:
        """Draws what has changed, which would be done within a sixtieth of a second."""
        if not self.app._exit:
            self.app.screen._on_timer_update()

    async def resize(self, width: int, height: int) -> None:
        """Without the pilot, which waits half a minute for a screen that closes because of the size."""
        size, driver = Size(width, height), self.app._driver
        assert driver is not None
        driver._size = size
        self.app.post_message(Resize(size, size))
        await self.until(lambda: self.app.screen.size == size)

    async def shows(self, words: str) -> None:
        await self.until(lambda: words in self.text)

    async def press(self, *keys: str) -> None:
        """Presses each key once the one before is handled."""
        await self.settle()
        for key in keys:
            self.app.post_message(key_event(key))
            await self.settle()

    async def click(self, x: int, y: int, times: int = 1) -> None:
        await self.settle()
        await self.pilot.click(offset=(x, y), times=times)
        await self.settle()


def key_event(name: str) -> Key:
    """The key of that name, or the one that types that character."""
    key = _character_to_key(name) if len(name) == 1 and not name.isalnum() else name
    try:
        return Key(key, lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(key, key))))
    except KeyError:
        return Key(key, name if len(name) == 1 else None)


@asynccontextmanager
async def stage(
    width: int = 80,
    height: int = 24,
    control: FakeControl | None = None,
    logs: FakeLogs | None = None,
    *,
    glyphs: Glyphs | None = None,
) -> AsyncIterator[Stage]:
    """The scene, or what is given, with its first facts on the screen and the cursor on `ai-agent`."""
    made, lines = scene()
    control = made if control is None else control
    app = DashboardApp(control, logs or lines, FakeOwner(), can_start_again=True, glyphs=glyphs, clock=lambda: NOW)
    async with app.run_test(size=(width, height)) as pilot:
        shown = Stage(app, pilot, control, logs or lines)
        await shown.until(lambda: app.main.dashboard_state.about is not None)
        if "ai-agent" in app.main.table.ids:
            app.main.table.select("ai-agent")
        await shown.settle()
        yield shown
