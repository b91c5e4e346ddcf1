import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.running import Running
from tests.web.conftest import Opening, go, manager_of

STEP = 12
POINTS = 300


def past() -> dict[str, object]:
    """An hour with a gap of ten minutes and a crash before it, and no health check."""
    since = datetime.now(UTC) - timedelta(hours=1)
    values = [None if 100 <= place < 150 else place / 10 for place in range(POINTS)]
    time = (since + timedelta(seconds=100 * STEP)).isoformat()
    event = {"seq": 1, "id": "web-1", "from": "running", "to": "crashed", "reason": "<b>exit 1</b>", "time": time}
    return {
        "since": since.isoformat(),
        "step": STEP,
        "cpu": values,
        "memory": [value and int(value * 1e6) for value in values],
        "latency": [None] * POINTS,
        "events": [event],
    }


def test_the_answer_has_what_the_page_reads(house: Running) -> None:
    status, answer = house.get("/api/pm/web-1/history?since=15m&points=10")
    assert status == 200
    assert answer.keys() == past().keys()


def test_lines_have_gaps_and_crashes_are_marked(house: Running, visit: Opening) -> None:
    page = visit(house)

    def answer(route: Route) -> None:
        route.fulfill(json=past())

    page.route("**/history?**", answer)
    go(page, "#/p/web-1/charts")
    expect(page.locator(".chart:visible")).to_have_count(2)
    expect(page.get_by_role("img", name="CPU: now 29.9 %, peak 29.9 %")).to_be_visible()
    picture = page.locator(".chart svg").first
    expect(picture.locator("path.line")).to_have_count(2)
    expect(picture.locator(".event")).to_have_count(1)
    expect(picture.locator(".event title")).to_contain_text("↻ crashed  <b>exit 1</b>")
    picture.hover(position={"x": 60, "y": 60})
    expect(page.locator(".tip").first).to_contain_text("%")
    picture.click(position={"x": 60, "y": 60})
    expect(page.get_by_role("tab", name="Log")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("until="))


def test_ranges_are_chosen_by_click_and_key(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/web-1/charts")
    pressed = page.locator(".segments [aria-pressed=true]")
    expect(pressed).to_have_text("1h")
    page.keyboard.press("+")
    expect(pressed).to_have_text("15m")
    page.get_by_role("button", name="1d", exact=True).click()
    expect(pressed).to_have_text("1d")


def test_history_that_is_off_is_said_and_events_remain(tmp_path: Path, visit: Opening) -> None:
    config = {"settings": {"history": False}, "processes": [{"id": "web", "command": "sleep 600"}]}
    with manager_of(tmp_path, json.dumps(config)) as manager:
        page = visit(manager, "#/p/web/charts")
        expect(page.get_by_text("History is off.")).to_be_visible()
        go(page, "#/p/web/events")
        expect(page.locator(".events tbody tr").first).to_contain_text("running")
