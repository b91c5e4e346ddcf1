import json
from collections.abc import Sequence

import msgspec
import pytest
from playwright.sync_api import Page, expect

from pmtui.control import Reason, Snapshot, Status
from pmtui.dashboard.style.glyphs import UNICODE
from pmtui.dashboard.table.columns import COLUMNS, TableRow
from pmtui.dashboard.table.filters import Filter
from pmtui.dashboard.table.sections import Section
from pmtui.dashboard.table.view import TableView
from tests.eventually import eventually
from tests.fake_control import job_run, snapshot
from tests.running import Running
from tests.web.conftest import ALL, HOSTILE, Opening, go, wait_toast

NOW = 1_795_176_000.0
SNAPSHOTS = [
    *(snapshot(f"s-{status}", status, reason="why" if status is Status.FAILED else "") for status in Status),
    *(snapshot(f"r-{reason}", reason=str(reason)) for reason in Reason),
    *(snapshot(f"h{n}", health=health) for n, health in enumerate(["healthy", "unhealthy", "starting", "failing"])),
    *(snapshot(f"c{n}", cpu=cpu) for n, cpu in enumerate([0.0, 0.04, 0.05, 1.26, 89.96, 99.94, 99.96, 250.4])),
    *(snapshot(f"m{n}", memory=size) for n, size in enumerate([0, 999, 1000, 150 << 20, 999 << 20, 5 << 30])),
    snapshot("large", memory=200 << 30),
    *(snapshot(f"u{n}", uptime_seconds=up) for n, up in enumerate([0, 59.9, 60, 3599, 3600, 9015, 86400, 273600])),
    snapshot("next", Status.CRASHED, next_start="2026-11-20T12:00:07.2Z", group="Back-End", reason="exit 1"),
    snapshot("ports", ports=[80, 443], restart_count=3, group="front"),
    snapshot("one-port", ports=[8080], command="node server.js"),
    snapshot("blocked", Status.FAILED, blocked=True, group="front"),
    snapshot("again", Status.CRASHED, next_start="2026-11-20T12:00:01Z", exit_code=0, failures=2, max_retries=10),
    snapshot("tries", Status.CRASHED, next_start="2026-11-20T12:01:30Z", exit_code=1, failures=2, max_retries=10),
    snapshot("forever", Status.CRASHED, next_start="2026-11-20T12:00:01Z", failures=7, max_retries=-1),
    snapshot("many", restart_count=1234),
    *(snapshot(f"l{n}", line_rate=rate) for n, rate in enumerate([0.0, 0.04, 0.06, 9.94, 9.96, 999.0, 51_234.0])),
    *(snapshot(f"v{level}", level=level) for level in ("warn", "error", "fatal")),
    snapshot("dead", Status.STOPPED, line_rate=0.2),
    snapshot("due", Status.SCHEDULED, next_start="2026-11-20T15:12:00Z", last_run=job_run()),
    snapshot("due-soon", Status.SCHEDULED, next_start="2026-11-20T12:00:07.2Z", reason="a has failed"),
    snapshot("due-monday", Status.SCHEDULED, next_start="2026-11-23T02:00:00Z", last_run=job_run(reason="replaced")),
    snapshot("due-late", Status.SCHEDULED, next_start="2027-01-01T00:00:00Z", last_run=job_run(duration=0.4)),
    snapshot("due-bad", Status.SCHEDULED, next_start="2026-11-21T02:00:00Z", last_run=job_run(reason="x"), reason="y"),
    snapshot("due-overrun", Status.SCHEDULED, last_run=job_run(reason="deadline", duration=36061), reason="y"),
]  # fmt: skip
FILTERS = (
    "", "s-", "!s-", "@front", "@FR", "!@front", "is:failed", "is:f", "is:r", "is:blocked", "is:", "!is:running",
    "is:problem", "node", "h !h1", "! x", "running @back",
)  # fmt: skip


def cells_by_page(page: Page, snapshots: Sequence[Snapshot]) -> object:
    """What the page writes in each cell, and in which tone."""
    script = """async ([rows, now]) => { const { COLUMNS } = await import("/web/rows.js");
        return rows.map((row) => COLUMNS.filter((c) => c.cell).map((c) => c.cell(row, now))) }"""
    return page.evaluate(script, [json.loads(msgspec.json.encode(snapshots)), NOW * 1000])


def test_every_cell_says_what_the_dashboard_says(house: Running, visit: Opening) -> None:
    rows = [TableRow(one, (), NOW, UNICODE) for one in SNAPSHOTS]
    told = [[[*column.cell(row)[:2]] for column in COLUMNS if column.key != "spark"] for row in rows]
    assert cells_by_page(visit(house), SNAPSHOTS) == told


def test_the_columns_are_the_dashboards(house: Running, visit: Opening) -> None:
    script = """import("/web/rows.js").then(({ COLUMNS }) => COLUMNS.map((c) => [c.key, c.title, c.isDescending]))"""
    assert visit(house).evaluate(script) == [[c.key, c.title, c.is_descending] for c in COLUMNS[:6]] + [
        ["spark", "", False]
    ] + [[c.key, c.title, c.is_descending] for c in COLUMNS[7:]]


def test_the_filter_speaks_the_dashboards_language(house: Running, visit: Opening) -> None:
    script = """async ([rows, filters]) => { const { matches } = await import("/web/rows.js");
        return filters.map((filter) => rows.filter((row) => matches(filter, row)).map((row) => row.id)) }"""
    found = visit(house).evaluate(script, [json.loads(msgspec.json.encode(SNAPSHOTS)), FILTERS])
    assert found == [[one.id for one in SNAPSHOTS if Filter(text).matches(one)] for text in FILTERS]


@pytest.mark.parametrize("folded", [(), ("!",), ("@front", "@")])
def test_it_has_the_sections_of_the_dashboard(house: Running, visit: Opening, folded: Sequence[str]) -> None:
    script = """async ([rows, problems, folded]) => { const { layOut } = await import("/web/rows.js");
        const lines = layOut(rows, new Set(problems), new Set(folded));
        return lines.map((line) => line.rows ? [line.title, line.cost] : line.id) }"""
    problems = {"blocked", "tries", "ports"}
    entries = TableView(folded=frozenset(folded)).entries(SNAPSHOTS, problems)
    shown = [[one.title(UNICODE), one.summary()] if isinstance(one, Section) else one.id for one in entries]
    rows = json.loads(msgspec.json.encode(SNAPSHOTS))
    assert visit(house).evaluate(script, [rows, [*problems], folded]) == shown


@pytest.mark.parametrize("inverted", [False, True])
def test_it_sorts_as_the_dashboard_does(house: Running, visit: Opening, inverted: bool) -> None:
    script = """async ([rows, view]) => { const { arrange } = await import("/web/rows.js");
        return arrange(rows, { filter: "", problemsOnly: false, ...view }).map((row) => row.id) }"""
    page = visit(house)
    for key in [None, *(column.key for column in COLUMNS if column.key != "spark")]:
        view = {"sort": key, "inverted": inverted}
        sorted_ids = page.evaluate(script, [json.loads(msgspec.json.encode(SNAPSHOTS)), view])
        assert sorted_ids == [one.id for one in TableView(sort=key, inverted=inverted).rows(SNAPSHOTS)], key


SHOWN = ["bad", "web-1", "web-2", "talker", "job", "off"]


def expect_rows(page: Page, ids: Sequence[str]) -> None:
    expect(page.locator("tbody th a")).to_have_text(ids)


def test_it_shows_what_needs_a_look_and_then_the_groups(house: Running, visit: Opening) -> None:
    page = visit(house)
    expect_rows(page, SHOWN)
    expect(page.locator(".section button").first).to_have_text("▾ needs a look · 1")
    front = page.get_by_role("button", name="front · 2/2 ✓")
    front.click()
    expect(front).to_have_attribute("aria-expanded", "false")
    expect_rows(page, [name for name in SHOWN if not name.startswith("web")])
    page.keyboard.press("Enter")
    expect_rows(page, SHOWN)
    row = page.locator("tr", has_text="bad")
    expect(row.locator(".status")).to_have_text("✖ failed")
    expect(row.locator("td.why")).to_contain_text(HOSTILE[:20])
    assert page.locator("tbody img, tbody script").count() == 0


def test_filter_problems_and_sort(house: Running, visit: Opening) -> None:
    page = visit(house)
    page.keyboard.press("/")
    page.keyboard.type("@front")
    expect_rows(page, ["web-1", "web-2"])
    expect(page.get_by_text("2 of 6")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect_rows(page, SHOWN)
    page.get_by_role("button", name="Problems").click()
    expect_rows(page, ["bad"])
    page.get_by_role("button", name="Problems").click()
    head = page.get_by_role("columnheader", name="id", exact=True)
    for order, sort in ((sorted(ALL), "ascending"), (sorted(ALL, reverse=True), "descending"), (SHOWN, "none")):
        head.get_by_role("button").click()
        expect_rows(page, order)
        expect(head).to_have_attribute("aria-sort", sort)


def test_the_keyboard_is_enough(house: Running, visit: Opening) -> None:
    page = visit(house)
    for key in ("j", "j", "ArrowDown", "k"):
        page.keyboard.press(key)
    expect(page.locator("tbody a").nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_text("1 marked")).to_be_visible()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("web-1")
    page.keyboard.press("]")
    expect(page.get_by_role("tab", name="Info")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Events")).to_be_focused()
    page.keyboard.press("Escape")
    expect_rows(page, SHOWN)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("rolling restart")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_only_one_row_is_on_the_way_of_tab(house: Running, visit: Opening) -> None:
    page = visit(house)
    expect(page.locator("tbody a[tabindex='0']")).to_have_count(1)


def pid_of(manager: Running, process_id: str) -> int:
    return int(manager.row(process_id)["pid"])


def test_restart_of_one_and_of_marked_ones(own: Running, visit: Opening) -> None:
    page = visit(own)
    before = {name: pid_of(own, name) for name in ("web-1", "web-2", "talker")}
    page.get_by_role("button", name="Restart talker").click()
    eventually(lambda: pid_of(own, "talker") not in (0, before["talker"]))
    page.get_by_label("Mark web-1").check()
    page.get_by_label("Mark web-2").check()
    page.get_by_role("toolbar").get_by_text("Restart").click()
    for name in ("web-1", "web-2"):
        eventually(lambda name=name: pid_of(own, name) not in (0, before[name]))  # type: ignore[misc]
    assert own.row("off")["status"] == "stopped"


def test_stop_asks_and_start_does_not(own: Running, visit: Opening) -> None:
    page = visit(own, "#/p/web-1")
    pid = pid_of(own, "web-1")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("Stop web-1?")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert pid_of(own, "web-1") == pid
    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator(".state")).to_have_text("■ stopped")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".state")).to_have_text("● running")
    assert pid_of(own, "web-1") not in (0, pid)


def test_kill_asks_and_what_cannot_be_done_is_said(own: Running, visit: Opening) -> None:
    page = visit(own)
    page.get_by_label("Mark talker").check()
    page.get_by_role("toolbar").get_by_text("Kill").click()
    page.get_by_role("dialog").get_by_role("button", name="Kill").click()
    eventually(lambda: own.row("talker")["status"] == "stopped")
    expect(page.get_by_text("1 marked")).to_be_visible()
    go(page, "#/p/web-1")
    page.get_by_role("button", name="Rolling").click()
    wait_toast(page, "Process 'web-1' cannot be restarted in this way: both runs would want one address")


def test_a_change_of_state_is_seen_at_once(own: Running, visit: Opening) -> None:
    page = visit(own)
    own.post("/api/pm/web-1/stop")
    expect(page.locator("tr", has_text="web-1").locator(".status")).to_have_text("■ stopped")
