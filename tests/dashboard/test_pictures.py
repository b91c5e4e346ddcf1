"""The whole screen, cell by cell. `GOLDENS=write pytest …` writes the pictures anew: then look at them."""

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from pmtui.dashboard.style.glyphs import ASCII, Glyphs
from tests.dashboard.scene import FakeLogs, SceneControl
from tests.dashboard.stage import Stage, stage

GOLDENS = Path(__file__).parent / "goldens"
SIZES = {(80, 24): "listening on", (120, 36): "listening on", (200, 50): "needed by"}
"""And what is shown last."""


def compare(name: str, picture: str) -> None:
    path = GOLDENS / name
    picture = re.sub(r"\x1b\]8;id=[^;]*;", "\x1b]8;;", picture)  # ids of links are random
    if os.environ.get("GOLDENS") == "write":
        path.write_text(picture)
    assert picture == path.read_text()


@pytest.fixture(autouse=True)
def one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The facts are taken once: a second reading is one more bar in each sparkline."""
    monkeypatch.setattr("pmtui.dashboard.backend.state.POLL_INTERVAL", 3600.0)


async def settled(shown: Stage, words: str) -> None:
    """Two equal pictures in a row, with these words in them."""
    await shown.shows(words)
    await shown.settle()
    before = ""
    while before != shown.ansi:
        before = shown.ansi
        await asyncio.sleep(0.15)  # the log is looked at more often
        await shown.settle()


@pytest.mark.parametrize("size", SIZES)
async def test_overview(size: tuple[int, int]) -> None:
    async with stage(*size) as shown:
        await settled(shown, SIZES[size])
        compare(f"overview-{size[0]}x{size[1]}.txt", shown.text)
        compare(f"overview-{size[0]}x{size[1]}.ansi", shown.ansi)


@pytest.mark.parametrize("size", SIZES)
async def test_overview_without_colours(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage(*size) as shown:
        await settled(shown, SIZES[size])
        compare(f"overview-{size[0]}x{size[1]}.txt", shown.text)
        compare(f"overview-{size[0]}x{size[1]}-no-color.ansi", shown.ansi)


async def test_ascii() -> None:
    glyphs: Glyphs = ASCII
    async with stage(80, 24, glyphs=glyphs) as shown:
        await settled(shown, "listening on")
        assert shown.text.isascii()
        compare("ascii-80x24.txt", shown.text)


FLOWS: dict[str, tuple[Sequence[str], str]] = {
    "info": (["right_square_bracket"], "needs   db"),
    "tree": (["d"], "is needed by"),
    "charts": (["c"], "average"),
    "env": (["left_square_bracket"], "OPENAI_API_KEY"),
    "search": (["tab", "slash", *"ERR", "enter", "N"], "of 8"),
    "filter": (["slash", *"is:run", "enter"], "ai-agent"),
    "no-match": (["slash", *"zzz", "enter"], "No process matches"),
    "marks": (["space", "space"], "2 marked"),
    "sorted": (["greater_than_sign"] * 5, "CPU"),
    "full": (["enter"], "Open"),
    "merged": (["a"], "all processes"),
    "wrap": (["z"], "n 2 s"),
    "help": (["question_mark"], "Keys"),
    "quit": (["q"], "This stops"),
    "kill": (["x"], "immediately"),
    "signal": (["S"], "SIGHUP"),
    "restart-menu": (["R"], "All failed"),
    "farewell": (["q", "y"], "left after"),
}


@pytest.mark.parametrize("name", FLOWS)
async def test_flow(name: str) -> None:
    keys, words = FLOWS[name]
    async with stage(80, 24) as shown:
        await shown.shows("listening on")
        await shown.press(*keys)
        await settled(shown, words)
        compare(f"{name}-80x24.txt", shown.text)


async def test_no_config() -> None:
    control = SceneControl()
    searched = ["/srv/pmtui.toml", "/srv/pb_processes.json", "/srv/pb_data/pb_processes.json"]
    control.facts = msgspec.structs.replace(control.facts, config=None, searched=searched)
    async with stage(80, 24, control, FakeLogs()) as shown:
        await settled(shown, "pmtui init")
        compare("no-config-80x24.txt", shown.text)


async def test_broken_config() -> None:
    control = SceneControl()
    errors = ["processes[2].maxRetires: unknown field, did you mean maxRetries?", "processes[3].command: expected text"]
    control.facts = msgspec.structs.replace(control.facts, errors=errors)
    async with stage(80, 24, control, FakeLogs()) as shown:
        await settled(shown, "has errors")
        compare("broken-config-80x24.txt", shown.text)


async def test_too_small_says_so() -> None:
    async with stage(40, 10) as shown:
        await settled(shown, "too small")
        compare("small-40x10.txt", shown.text)
