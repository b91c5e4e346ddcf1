"""The tab Charts, and past events in the tab Events."""

import math

import msgspec
import pytest

from pmtui.control import NotFoundError, Status, UnavailableError
from tests.dashboard.scene import past_event, scene
from tests.dashboard.stage import Stage, stage


def asked(shown: Stage) -> object:
    return shown.control.asked_history.get("since")


async def test_c_shows_charts_and_goes_back_to_the_log() -> None:
    async with stage() as shown:
        await shown.press("c")
        await shown.shows("average")
        assert shown.control.asked_history == {"since": "1h", "until": "", "points": 67}
        await shown.press("c")
        await shown.shows("listening on")


async def test_charts_of_a_young_manager_show_what_there_is() -> None:
    control, logs = scene()
    control.facts = msgspec.structs.replace(control.facts, start_time="2026-11-20T11:55:00Z")
    async with stage(control=control, logs=logs) as shown:
        await shown.press("c")
        await shown.until(lambda: asked(shown) == "15m")
        await shown.press("2", "c", "c")
        await shown.until(lambda: asked(shown) == "1h")


async def test_digits_choose_how_far_back_charts_go() -> None:
    async with stage() as shown:
        for key, since in (("1", "15m"), ("4", "1d"), ("3", "6h"), ("2", "1h")):
            await shown.press(key)
            await shown.until(lambda since=since: asked(shown) == since)  # type: ignore[misc]
            await shown.shows("average")


async def test_a_click_on_a_range_chooses_it() -> None:
    async with stage() as shown:
        await shown.press("c")
        await shown.shows("average")
        row = next(number for number, line in enumerate(shown.lines) if "15m" in line)
        await shown.click(shown.lines[row].index("6h"), row)
        await shown.until(lambda: asked(shown) == "6h")


async def test_charts_are_of_the_selected_process_and_as_wide_as_the_terminal() -> None:
    async with stage() as shown:
        await shown.press("c")
        await shown.shows("average")
        await shown.resize(120, 36)
        await shown.until(lambda: shown.control.asked_history.get("points") == 107)
        shown.control.asked_history = {}
        await shown.press("j")
        await shown.until(lambda: asked(shown) == "1h")


async def test_charts_that_are_new_are_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.dashboard.widgets.charts.REFRESH_INTERVAL", math.inf)
    async with stage() as shown:
        await shown.press("c")
        await shown.shows("average")
        shown.control.asked_history = {}
        for _ in range(5):
            shown.app.main.show(shown.app.main.dashboard_state)
            await shown.settle()
        assert shown.control.asked_history == {}


async def test_why_there_are_no_charts_stands_in_their_place() -> None:
    control, logs = scene()
    control.history_error = NotFoundError("There is no history: settings.history is false.")
    async with stage(control=control, logs=logs) as shown:
        await shown.press("c")
        await shown.shows("There is no history")


async def test_events_go_back_beyond_this_manager() -> None:
    control, logs = scene()
    control.past = [past_event("ai-agent", Status.FAILED, "2026-11-19T03:12:00Z", "killed at night")]
    async with stage(control=control, logs=logs) as shown:
        await shown.press("left_square_bracket", "left_square_bracket")
        await shown.shows("19 Nov 03:12:00")
        await shown.shows("killed at night")


async def test_events_of_this_manager_are_shown_if_earlier_ones_cannot_be_read() -> None:
    control, logs = scene()
    control.history_error = UnavailableError("damaged")
    control.put(control.rows["ai-agent"], "seen just now")
    async with stage(control=control, logs=logs) as shown:
        await shown.press("left_square_bracket", "left_square_bracket")
        await shown.shows("seen just now")
