"""What the tabs show without a process or without output, and which keys reach the log from them."""

import pytest

from pmtui.control import Status
from pmtui.dashboard.backend.state import DashboardState
from pmtui.dashboard.screens.empty_state import no_output_text
from pmtui.dashboard.screens.tab_actions import CONTENTS
from pmtui.dashboard.widgets.tab_bar import JOB_TABS
from tests.dashboard.scene import FakeLogs, scene
from tests.dashboard.stage import stage
from tests.fake_control import FakeControl, snapshot


async def test_a_key_for_the_log_shows_the_log_first() -> None:
    async with stage(120, 36) as shown:
        main = shown.app.main
        for key in ("e", "l", "o", "a", "n", "t", "ctrl+f"):
            main.set_tab("info")
            await shown.press("escape", key)
            assert (key, main.pane_bar.tab) == (key, "logs")


async def test_nothing_is_copied_that_cannot_be_seen() -> None:
    async with stage(120, 36) as shown:
        await shown.press("right_square_bracket", "y")
        assert shown.app.main.tab == "info"
        assert not shown.app._notifications


@pytest.mark.parametrize(("tab", "content"), [("info", "details"), ("charts", "charts"), ("tree", "dependencies")])
async def test_a_tab_without_a_process_says_so(tab: str, content: str) -> None:
    async with stage(120, 36) as shown:
        shown.app.main.set_tab("info")
        await shown.shows("python agent.py")
        await shown.press("k")
        while shown.app.main.tab != tab:
            await shown.press("right_square_bracket")
        await shown.shows(f"Select a process to see its {content}.")
        assert "python agent.py" not in shown.text


async def test_the_environment_of_no_process_is_not_that_of_the_last_one() -> None:
    async with stage(120, 36) as shown:
        shown.app.main.set_tab("env")
        await shown.shows("PMTUI_ID")
        await shown.press("k")
        await shown.shows("Select a process to see its environment.")
        assert "PMTUI_ID" not in shown.text
        await shown.press("j")
        await shown.shows("PMTUI_ID")


async def test_the_events_of_a_group_are_those_of_its_processes_in_order() -> None:
    control, logs = scene()
    async with stage(120, 36, control, logs) as shown:
        await control.restart("node-worker")
        await control.stop("ai-agent")
        await control.stop("scheduler")
        await shown.press("k")
        shown.app.main.set_tab("events")
        await shown.shows("node-worker  ")
        shown.app.main.show_details()
        await shown.until(lambda: any("ai-agent" in line and "stopped" in line for line in shown.lines[18:]))
        assert not any("scheduler" in line for line in shown.lines[18:])


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (snapshot("a"), "No output yet."),
        (snapshot("a", Status.STOPPED), "No output yet. Press s to start it."),
        (snapshot("a", Status.WAITING, reason="waits for db (healthy): it is starting"),
         "No output yet: waits for db (healthy): it is starting"),
        (snapshot("a", Status.STARTING, stage="waiting-for-health"), "No output yet: waiting for health"),
        (snapshot("a", Status.FAILED, reason="cwd ./a does not exist"), "No output: cwd ./a does not exist"),
        (snapshot("a", Status.COMPLETED, reason="exit 0 after 3.0 s"), "No output: exit 0 after 3.0 s"),
    ],
)  # fmt: skip
def test_an_empty_log_says_why(row: object, text: str) -> None:
    assert no_output_text(row) == text  # type: ignore[arg-type]


async def test_a_long_reason_for_an_empty_log_takes_several_lines() -> None:
    reason = "command no-such-program is not on the PATH of web: PATH is " + ":".join(["/usr/local/bin"] * 8)
    rows = [snapshot("web", Status.FAILED, reason=reason)]
    async with stage(80, 24, FakeControl(*rows), FakeLogs()) as shown:
        await shown.shows("No output: command no-such-program")
        assert "".join(line.strip() for line in shown.lines).count("/usr/local/bin") == 8


async def test_the_cursor_stays_on_the_screen_when_problems_come_above_it() -> None:
    rows = [snapshot(f"p{number:02}") for number in range(30)]
    async with stage(80, 24, FakeControl(*rows), FakeLogs()) as shown:
        table = shown.app.main.table
        table.select(f"p{table.page - 1:02}")
        assert table.cursor_row == table.page - 1
        failed = [snapshot(row.id, Status.FAILED, group="g") if row.id > "p25" else row for row in rows]
        table.show(DashboardState(failed, now=0.0))
        assert 0 <= table.cursor_row < table.page
        table.select("p28")
        table.show(DashboardState(rows, now=100.0))
        assert 0 <= table.cursor_row < table.page


async def test_keys_are_those_of_the_prompt_while_it_is_open() -> None:
    async with stage(120, 36) as shown:
        await shown.press("slash")
        await shown.until(lambda: shown.lines[-1] == " Enter Filter   Up Down Select   Esc Cancel")
        await shown.press("escape", "tab", "slash")
        await shown.until(lambda: shown.lines[-1] == " Enter Find   Tab Matches only   Esc Cancel")
        await shown.press("escape")
        await shown.shows(" r Restart")


async def test_counts_keep_their_words_if_there_is_room() -> None:
    rows = [snapshot(f"p{number}") for number in range(10)]
    rows += [snapshot("f", Status.FAILED), snapshot("c", Status.COMPLETED), snapshot("s", Status.STOPPED)]
    async with stage(80, 24, FakeControl(*rows), FakeLogs()) as shown:
        await shown.until(lambda: shown.lines[0].startswith(" pmtui   ● 10 running   ✖ 1 failed   ✓ 1 completed   ■ 1"))
        assert "■ 1 stopped" in shown.lines[0]
        assert "mem" in shown.lines[0]


async def test_arrows_select_while_a_filter_is_typed() -> None:
    rows = [snapshot("web"), snapshot("worker-1"), snapshot("worker-2"), snapshot("worker-3")]
    async with stage(80, 24, FakeControl(*rows), FakeLogs()) as shown:
        await shown.press("slash", *"work", "down", "down", "up", "enter")
        assert shown.app.main.table.selected == "worker-2"
        assert shown.app.main.table.table_view.filter.text == "work"


async def test_enter_on_a_header_is_labeled_with_what_it_does() -> None:
    async with stage(120, 36) as shown:
        await shown.shows("Enter Logs")
        await shown.press("k")
        await shown.shows("Enter Fold")
        await shown.press("enter")
        await shown.shows("Enter Unfold")


async def test_the_log_of_a_section_follows_its_members() -> None:
    control, logs = scene()
    async with stage(120, 36, control, logs) as shown:
        await shown.press("g")
        await shown.shows("─ needs a look ─")
        assert "listening on" not in "".join(shown.lines[18:])
        control.rows["ai-agent"] = snapshot("ai-agent", Status.FAILED, group="agents")
        await shown.app.poller.poll()
        await shown.shows("ai-agent    INFO  listening on")


@pytest.mark.parametrize("width", [80, 96, 104, 150])
async def test_tabs_stay_where_they_are_when_the_log_is_paused(width: int) -> None:
    async with stage(width, 36) as shown:
        await shown.shows("FOLLOW")
        bar = next(line for line in shown.lines if "FOLLOW" in line)
        await shown.press("f")
        await shown.shows("PAUSED")
        paused = next(line for line in shown.lines if "PAUSED" in line)
        assert paused.index("Env") == bar.index("Env")


async def test_the_log_does_not_jump_while_a_filter_is_typed() -> None:
    async with stage(120, 36) as shown:
        table = shown.app.main.table
        height = table.size.height
        await shown.press("slash", *"pdf")
        await shown.until(lambda: table.line_count < 4)
        assert table.size.height == height
        await shown.press("enter")
        await shown.until(lambda: table.size.height == 1 + table.line_count)


async def test_the_card_says_why_in_full() -> None:
    async with stage(170, 40) as shown:
        shown.app.main.table.select("pdf-parser")
        await shown.shows("status  ✖ failed  ModuleNotFoundError: No module named 'pypdf' (exit 1 after 0.8 s)")


async def test_every_tab_says_what_it_would_show() -> None:
    async with stage(120, 36) as shown:
        await shown.press("k")
        for tab in JOB_TABS[1:]:
            shown.app.main.set_tab(tab)
            if tab != "events":
                await shown.shows(f"Select a process to see its {CONTENTS[tab]}.")


async def test_the_place_in_a_search_is_shown_whatever_the_title() -> None:
    name = "worker-with-a-long-name-for-images"
    logs = FakeLogs()
    logs.write(name, *(f"ERROR {number} failed" for number in range(1, 1200)))
    async with stage(80, 24, FakeControl(snapshot(name)), logs) as shown:
        await shown.press("tab", "slash", *"failed", "enter")
        await shown.shows("/failed 1,199 of 1,199")
        await shown.press("E")
        await shown.shows("error 1,198 of 1,199")
        logs.write(name, *(f"INFO {number}" for number in range(1500)))
        await shown.until(lambda: shown.app.main.pane.state.newer == 1500)
        await shown.press("N")
        await shown.shows("of 1,199 ─ PAUSED")
