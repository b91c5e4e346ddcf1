"""Makes the pictures of the README: the real dashboard over the real processes of `project/`.

`python screenshots/make.py [NAME …]`, in the repository; the SVGs are written beside this file.
"""

import asyncio
import math
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

from pmtui.config.load import Loaded, load_config
from pmtui.config.model import Settings
from pmtui.control import Status
from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.backend.manager_thread import ManagerThread
from pmtui.dashboard.terminal.state import Terminal
from pmtui.history.columns import STEP, Sample
from pmtui.history.records import EventRecord, RunEnd, Tick
from pmtui.history.store import HistoryStore
from pmtui.spawner.launcher import GuardianLauncher
from pmtui.supervisor.reload import ConfigSource

HERE = Path(__file__).parent
DEADLINE = 30.0


@asynccontextmanager
async def dashboard(source: ConfigSource, size: tuple[int, int]) -> AsyncIterator[tuple[DashboardApp, Pilot[None]]]:
    manager = ManagerThread(source, GuardianLauncher().prestart(), Terminal(None))
    manager.start()
    app = DashboardApp(manager.control, manager, manager)
    try:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.poller.state.about is not None)
            yield app, pilot
    finally:
        await asyncio.to_thread(manager.close)


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():
            await pilot.pause(0.05)


def status_of(app: DashboardApp, process_id: str) -> Status | None:
    return next((row.status for row in app.poller.state.snapshots if row.id == process_id), None)


def is_settled(app: DashboardApp) -> bool:
    """All states of the project are there, and the bars have begun to move."""
    return (
        len(app.poller.state.cpu) > 9
        and status_of(app, "pdf-parser") is Status.FAILED
        and status_of(app, "ingest") is Status.CRASHED
    )


PICTURES: dict[str, tuple[tuple[int, int], Sequence[str]]] = {
    "overview": ((132, 36), ()),
    "search": ((132, 36), ("tab", "slash", *"cache", "enter", "N", "N")),
    "crash": ((132, 36), ("g", "j", "j")),
    "help": ((100, 56), ("question_mark",)),
    "80x24": ((80, 24), ()),
    "charts": ((100, 30), ("2",)),
}


async def picture(folder: Path, name: str) -> None:
    size, keys = PICTURES[name]
    path = folder / "pmtui.toml"
    async with dashboard(ConfigSource(partial(load_config, path), load_config(path)), size) as (app, pilot):
        await until(pilot, lambda: is_settled(app))
        await pilot.press(*keys)
        await pilot.pause(0.4)
        app.save_screenshot(f"{name}.svg", str(HERE))


def record_history(folder: Path, process_id: str) -> None:
    """What an hour would have left behind: a slow leak, a crash and a restart."""
    chance, now = random.Random(7), int(time.time())
    store = HistoryStore(folder / ".pmtui" / "history.db", max_size=1 << 20, keep=86_400)
    for moment in range(now - 3600, now, STEP):
        place = (moment - now) / 3600 + 1
        if 0.36 < place < 0.40:
            continue
        cpu = 14 + 9 * math.sin(place * 25) + chance.uniform(0, 8) + (40 if chance.random() > 0.985 else 0)
        memory = int((60 + 90 * (place if place < 0.4 else place - 0.4 if place < 0.8 else 0.05)) * (1 << 20))
        store.write([Tick(moment, {process_id: Sample(max(cpu, 0.0), memory, chance.uniform(2, 6))})])
    ends = (
        (0.36, "crashed", "MemoryError (exit 1 after 21m32s)"),
        (0.8, "starting", "watch: agent.py changed"),
    )
    for seq, (place, after, reason) in enumerate(ends):
        ms = (now - 3600 + int(place * 3600)) * 1000
        store.write([EventRecord(process_id, ms, seq, "running", after, reason, RunEnd(1, None, ("MemoryError",)))])
    store.close()


async def no_config(folder: Path) -> None:
    loaded = Loaded(settings=Settings(data_dir=str(folder / ".pmtui")))
    names = ("pmtui.toml", "pb_processes.json", "pb_data/pb_processes.json")
    source = ConfigSource(lambda: loaded, loaded, [str(Path("/srv/agents") / name) for name in names])
    async with dashboard(source, (100, 28)) as (app, pilot):
        await pilot.pause(1)
        app.save_screenshot("no-config.svg", str(HERE))


def main() -> None:
    for name in sys.argv[1:] or PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder).resolve() / "agents"
            shutil.copytree(HERE / "project", project)
            if name == "charts":
                record_history(project, "ai-agent")
            asyncio.run(picture(project, name))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(no_config(Path(folder).resolve()))


if __name__ == "__main__":
    main()
