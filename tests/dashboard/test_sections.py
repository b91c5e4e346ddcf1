from collections.abc import Sequence

from pmtui.control import Status
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.style.glyphs import UNICODE
from pmtui.dashboard.style.statuses import status_label
from pmtui.dashboard.table.process_table import PROBLEM_PERIOD
from pmtui.dashboard.table.sections import Entry, Section, build_sections, key_of, lay_out
from pmtui.dashboard.table.view import TableView
from tests.dashboard.scene import NOW, FakeLogs
from tests.dashboard.stage import stage
from tests.fake_control import FakeControl, snapshot

ROWS = [
    snapshot("one"),
    snapshot("two", group="back"),
    snapshot("three", Status.FAILED, group="back"),
    snapshot("four", health="unhealthy"),
]


def keys(entries: Sequence[Entry]) -> list[str]:
    return [key_of(entry) for entry in entries]


def test_problems_come_first_then_the_groups_then_the_rest() -> None:
    sections = build_sections(ROWS, {"three", "four"}, ())
    assert keys(lay_out(sections)) == ["!", "three", "four", "@back", "two", "@", "one"]


def test_without_groups_there_are_no_headers() -> None:
    rows = [snapshot("a"), snapshot("b", Status.FAILED)]
    assert keys(TableView().entries(rows, {"b"})) == ["b", "a"]


def test_a_folded_group_is_one_line_and_says_what_it_costs() -> None:
    view = TableView().toggle_fold("@back")
    entries = view.entries([snapshot("a", group="back", line_rate=12.0), snapshot("b")], ())
    assert keys(entries) == ["@back", "@", "b"]
    (section, *_) = entries
    assert isinstance(section, Section)
    assert section.title(UNICODE) == "▸ back · 1/1 ✓"
    assert section.summary() == "50 MB  12/s"


def test_a_chosen_order_has_no_sections() -> None:
    assert keys(TableView(sort="id").entries(ROWS, {"three"})) == ["four", "one", "three", "two"]
    assert keys(TableView(inverted=True).entries(ROWS, {"three"})) == ["four", "three", "two", "one"]


def test_a_status_says_more_than_its_word() -> None:
    crashed = snapshot("a", Status.CRASHED, failures=3, max_retries=10, next_start="2026-11-20T12:00:04Z")
    assert status_label(crashed, NOW, UNICODE) == ("↻ retry in 4s (3/10)", "warn")
    assert status_label(crashed, NOW, UNICODE, short=True) == ("↻ retry in 4s", "warn")
    ended = snapshot("a", Status.CRASHED, exit_code=0, next_start="2026-11-20T12:00:04Z")
    assert status_label(ended, NOW, UNICODE).text == "↻ exit 0, again in 4s"
    assert status_label(snapshot("a", health="unhealthy"), NOW, UNICODE) == ("▲ unhealthy", "warn")
    assert status_label(snapshot("a", Status.FAILED, blocked=True), NOW, UNICODE) == ("✖ blocked", "bad")


async def test_a_process_that_takes_its_time_to_stop_says_how_long() -> None:
    control = FakeControl(snapshot("slow", Status.STOPPING))
    async with stage(120, 36, control, FakeLogs()) as shown:
        poller = shown.app.poller
        await shown.shows("◑ stopping")
        assert "stopping 0s" not in shown.text
        poller._clock = lambda: NOW + 4
        await poller.poll()
        await shown.shows("◑ stopping 4s")
        control.rows["slow"] = snapshot("slow")
        await poller.poll()
        await shown.shows("● running")
        control.rows["slow"] = snapshot("slow", Status.STOPPING)
        await poller.poll()
        await shown.until(lambda: "◑ stopping" in shown.text and "stopping 4s" not in shown.text)


async def test_groups_fold_and_unfold_and_are_operated_as_one() -> None:
    async with stage(120, 36) as shown:
        table = shown.app.main.table
        await shown.press("left")
        assert table.cursor == "@agents"
        assert "node-worker" not in table.ids
        await shown.press("r")
        await shown.shows("Restart 2?")
        await shown.press("y")
        await shown.until(lambda: len(shown.control.calls) == 2)
        assert shown.control.calls == [("restart", "ai-agent"), ("restart", "node-worker")]
        await shown.press("enter")
        assert "node-worker" in table.ids


async def test_a_header_shows_the_merged_log_of_its_group() -> None:
    async with stage(120, 36) as shown:
        await shown.press("k")
        await shown.shows("─ agents ─")
        await shown.shows("ai-agent     INFO  listening on")


async def test_a_process_that_recovers_stays_among_the_problems_for_a_while() -> None:
    async with stage(120, 36) as shown:
        table = shown.app.main.table
        rows = [snapshot("a", group="g"), snapshot("b", Status.CRASHED, group="g")]
        table.show(DashboardState(rows, now=0.0))
        recovered = [rows[0], snapshot("b", group="g")]
        table.show(DashboardState(recovered, now=PROBLEM_PERIOD - 1))
        assert table.ids == ["b", "a"]
        table.show(DashboardState(recovered, now=PROBLEM_PERIOD))
        assert table.ids == ["a", "b"]


async def test_the_log_stands_beside_the_table_in_a_wide_terminal() -> None:
    async with stage(170, 40) as shown:
        main = shown.app.main
        assert main.table.columns == ["id", "status", "cpu", "memory", "activity", "why"]
        assert main.pane.region.x > main.table.region.right - 1
        await shown.press("vertical_line")
        assert main.pane.region.x == 0
        await shown.press("vertical_line")
        assert main.pane.region.x > 0
