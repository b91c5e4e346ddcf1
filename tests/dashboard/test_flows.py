"""What happens when keys are pressed and the mouse is used."""

import asyncio
import os
import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.geometry import Offset

from pmtui.control import ConfigChanges, LogProblem, Reason, Snapshot, Status, UnavailableError
from pmtui.dashboard.actions import ACTIONS
from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.dialogs.shutdown import ShutdownDialog
from pmtui.dashboard.log_view.display import shown_text
from pmtui.dashboard.log_view.lines import Line
from tests.dashboard.scene import FakeLogs, SceneControl, rows, scene
from tests.dashboard.stage import FakeOwner, Stage, stage
from tests.fake_control import FakeControl, job_run, snapshot


async def test_every_action_has_a_method_where_it_is_bound() -> None:
    async with stage() as shown:
        owners = {"app": shown.app, "screen": shown.app.main, "table": shown.app.main.table, "log": shown.app.main.pane}
        for action in ACTIONS:
            assert hasattr(owners[action.scope], f"action_{action.id.partition('(')[0]}"), action.id
        keys = [key for action in ACTIONS for key in action.keys.split(",")]
        assert len(keys) == len(set(keys))


async def test_restart_hits_the_process_under_the_cursor_after_a_sort() -> None:
    async with stage() as shown:
        await shown.press("j", "greater_than_sign", "greater_than_sign", "I", "r")
        await shown.until(lambda: shown.control.calls)
        assert shown.control.calls == [("restart", "node-worker")]


async def test_the_cursor_stays_on_its_process_when_others_go() -> None:
    async with stage() as shown:
        shown.app.main.table.select("pdf-parser")
        del shown.control.rows["ai-agent"], shown.control.rows["ingest"]
        await shown.app.poller.poll()
        assert shown.app.main.table.selected == "pdf-parser"
        del shown.control.rows["pdf-parser"]
        await shown.app.poller.poll()
        assert shown.app.main.table.selected == "api"


async def test_s_starts_what_rests_and_stops_what_runs() -> None:
    async with stage() as shown:
        await shown.press("s")
        await shown.shows("api, mailer depend on it.")
        await shown.press("enter")
        assert shown.control.calls == []
        await shown.press("s")
        await shown.shows("Stop ai-agent?")
        await shown.press("y")
        await shown.until(lambda: ("stop", "ai-agent") in shown.control.calls)
        await shown.shows("s Start")
        await shown.press("s")
        await shown.until(lambda: ("start", "ai-agent") in shown.control.calls)
        await shown.shows("s Stop")


async def test_marked_processes_are_done_together() -> None:
    async with stage() as shown:
        await shown.press("space", "j", "j", "space", "r")
        await shown.shows("Restart 2?")
        await shown.press("y")
        await shown.until(lambda: len(shown.control.calls) == 2)
        assert shown.control.calls == [("restart", "ai-agent"), ("restart", "frontend")]
        await shown.until(lambda: not shown.app.main.table.marks)


async def test_kill_asks_and_means_no_unless_told() -> None:
    async with stage() as shown:
        await shown.press("x", "enter")
        assert shown.control.calls == []
        await shown.press("x")
        await shown.shows("Kill ai-agent?")
        await shown.press("y")
        await shown.until(lambda: shown.control.calls == [("kill", "ai-agent")])


async def test_a_signal_is_chosen_from_a_list() -> None:
    async with stage() as shown:
        await shown.press("S", "enter")
        await shown.until(lambda: shown.control.calls == [("signal SIGHUP", "ai-agent")])


async def test_all_failed_are_restarted_from_the_menu() -> None:
    async with stage() as shown:
        await shown.press("R", "enter")
        await shown.shows("Restart 1?")
        await shown.press("y")
        await shown.until(lambda: shown.control.calls == [("restart", "pdf-parser")])


async def test_reload_shows_the_difference_first() -> None:
    control, logs = scene()
    control.changes = ConfigChanges(added=["new"], removed=["old"], changed=[], unchanged=["a", "b"], errors=[])
    async with stage(control=control, logs=logs) as shown:
        await shown.press("L")
        await shown.shows("+ new")
        await shown.shows("- old")
        await shown.press("y")
        await shown.until(lambda: control.calls == [("reload", "")])


async def test_an_operation_that_fails_says_why() -> None:
    class Vanishing(SceneControl):
        async def restart(self, process_id: str) -> None:
            del self.rows[process_id]
            await super().restart(process_id)

    async with stage(control=Vanishing(*rows())) as shown:
        await shown.press("r")
        await shown.until(lambda: any("not found" in note.message for note in shown.app._notifications))


async def test_escape_goes_back_step_by_step_and_never_leaves() -> None:
    async with stage() as shown:
        main = shown.app.main
        await shown.press("slash", *"ai", "enter", "enter", "slash", *"ERR", "enter")
        assert main.has_class("-full")
        assert main.pane.state.search == "ERR"
        await shown.press("escape")
        await shown.until(lambda: main.pane.state.search == "")
        assert main.has_class("-full")
        await shown.press("escape")
        assert not main.has_class("-full")
        assert main.table.table_view.filter
        await shown.press("escape")
        assert not main.table.table_view.filter
        await shown.press(*["escape"] * 5)
        assert shown.app.is_running


async def test_escape_in_the_prompt_brings_back_the_old_filter() -> None:
    async with stage() as shown:
        await shown.press("slash", *"ai", "enter", "slash", *"zzz")
        assert shown.app.main.table.ids == []
        await shown.press("escape")
        await shown.until(lambda: shown.app.main.table.table_view.filter.text == "ai")


async def test_letters_in_the_prompt_and_pasted_text_are_no_commands() -> None:
    async with stage() as shown:
        await shown.press("slash", *"qrsx")
        assert shown.control.calls == []
        await shown.press("escape")
        shown.app.post_message(events.Paste("qyrsx\n"))
        await shown.settle()
        assert shown.control.calls == []
        assert len(shown.app.screen_stack) == 1


async def test_quitting_names_what_stops_and_asks() -> None:
    async with stage() as shown:
        owner = shown.owner
        assert isinstance(owner, FakeOwner)
        await shown.press("q")
        await shown.shows("ai-agent")
        await shown.press("enter")
        assert owner.asked == 0
        await shown.press("q", "y")
        await shown.shows("left after")
        assert owner.asked == 1
        await shown.press("K")
        assert owner.asked == 2
        shown.app.manager_ended()
        await shown.until(lambda: not shown.app.is_running or shown.app._exit)


async def test_leaving_them_in_the_background_ends_them_too() -> None:
    async with stage() as shown:
        assert isinstance(shown.owner, FakeOwner)
        await shown.press("q")
        await shown.shows("This stops 9 processes")
        await shown.press("b")
        assert shown.owner.asked == 1
        assert shown.app.starts_again


async def test_news_of_who_is_stopping_may_come_while_the_dialog_goes() -> None:
    async with stage() as shown:
        farewell = ShutdownDialog(shown.app.poller.state, 0.0)
        await shown.app.push_screen(farewell)
        await farewell.query("#text").remove()
        farewell.show(shown.app.poller.state)


async def test_where_nothing_can_go_on_no_background_is_offered() -> None:
    control, logs = scene()
    app = DashboardApp(control, logs, FakeOwner())
    async with app.run_test() as pilot:
        shown = Stage(app, pilot, control, logs)
        await shown.press("q", "b")
        assert not app.starts_again
        await shown.press("y")
        await shown.shows("left after")
    assert not app.starts_again


async def test_ctrl_c_twice_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.dashboard.app.DOUBLE_PRESS_TIMEOUT", 1e9)
    async with stage() as shown:
        owner = shown.owner
        assert isinstance(owner, FakeOwner)
        await shown.press("ctrl+c")
        assert owner.asked == 0
        await shown.press("ctrl+c")
        assert owner.asked == 1


async def test_a_search_finds_counts_and_becomes_a_filter() -> None:
    async with stage() as shown:
        await shown.press("tab", "slash", *"warn", "tab")
        await shown.shows("only /warn")
        texts = [shown_text(line)[0] for line in shown.app.main.pane.everything()]
        assert texts
        assert all("WARN" in text for text in texts)
        await shown.press("F")
        await shown.shows("ready in")


async def test_hopping_from_error_to_error() -> None:
    async with stage() as shown:
        await shown.press("E")
        await shown.shows("PAUSED")
        first = shown.app.main.pane.finder.current
        await shown.press("E")
        second = shown.app.main.pane.finder.current
        assert first is not None
        assert second is not None
        assert second < first


async def test_new_lines_are_counted_while_paused_and_end_follows() -> None:
    async with stage() as shown:
        assert isinstance(shown.logs, FakeLogs)
        await shown.press("tab", "up")
        shown.logs.write("ai-agent", *[f"new {number}" for number in range(1234)])
        await shown.shows("1,234 new")
        await shown.press("end")
        await shown.shows("new 1233")
        await shown.shows("FOLLOW")


async def test_older_lines_are_read_from_the_files_page_by_page() -> None:
    async with stage() as shown:
        assert isinstance(shown.logs, FakeLogs)
        shown.logs.files["ai-agent"] = [
            Line(number, 0, "stdout", 1, f"old {number}".encode(), "ai-agent") for number in range(-2499, 1)
        ]
        await shown.press("tab", "home")
        await shown.shows("listening on")
        first = shown.lines[11]
        pane = shown.app.main.pane
        await shown.until(lambda: len(pane.everything()) == 1060)
        assert shown.lines[11] == first
        await shown.press("up")
        await shown.shows("old 0")
        await shown.press("home")
        await shown.until(lambda: len(pane.everything()) == 2060)
        await shown.press("home")
        await shown.until(lambda: len(pane.everything()) == 2560)
        await shown.press("home")
        await shown.shows("old -2499")
        await shown.press("end")
        await shown.shows("FOLLOW")


async def test_streams_are_chosen() -> None:
    async with stage() as shown:
        await shown.press("o", "o")
        await shown.until(lambda: all(line.stream == "stderr" for line in shown.app.main.pane.everything()))
        assert shown.app.main.pane.everything()


async def test_a_revealed_secret_is_hidden_again() -> None:
    async with stage() as shown:
        await shown.press("left_square_bracket", "tab")
        await shown.shows("***")
        await shown.press("v")
        await shown.shows("secret of OPENAI_API_KEY")
        await shown.press("v")
        await shown.shows("OPENAI_API_KEY  ***")


async def test_copy_goes_to_the_clipboard_and_a_private_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with stage() as shown:
        await shown.press("y")
        await shown.until(lambda: "listening on" in shown.app.clipboard)
        copied = shown.app.clipboard
    mode, text = only_file(tmp_path)
    assert (mode, text) == (0o600, copied)


async def test_the_lines_are_saved_to_a_new_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    async with stage() as shown:
        await shown.press("w")
        await shown.until(lambda: os.listdir(tmp_path))
    mode, text = only_file(tmp_path)
    assert (mode, len(text.splitlines())) == (0o600, 60)


def only_file(folder: Path) -> tuple[int, str]:
    (path,) = folder.iterdir()
    return path.stat().st_mode & 0o777, path.read_text()


async def test_dragging_copies_what_is_under_the_mouse() -> None:
    async with stage() as shown:
        row = next(y for y, line in enumerate(shown.lines) if "listening on" in line)
        column = shown.lines[row].index("listening")
        await shown.pilot.mouse_down(offset=Offset(column, row))
        await shown.settle()
        await shown.pilot.hover(offset=Offset(column + 8, row))
        await shown.settle()
        await shown.pilot.mouse_up(offset=Offset(column + 8, row))
        await shown.until(lambda: shown.app.clipboard == "listening")


async def test_clicks_select_sort_open_and_press() -> None:
    async with stage() as shown:
        main = shown.app.main
        await shown.click(4, 3)
        assert main.table.selected == "ingest"
        await shown.click(3, 1)
        assert main.table.table_view.sort == "id"
        row = next(y for y, line in enumerate(shown.lines) if "Info" in line)
        await shown.click(shown.lines[row].index("Info"), row)
        await shown.shows("health  no")
        await shown.click(shown.lines[-1].index("Help"), 23)
        await shown.shows("Keys")
        await shown.press("escape")
        await shown.click(4, 4, times=2)
        await shown.until(lambda: main.has_class("-full"))


async def test_a_count_in_the_title_filters() -> None:
    async with stage() as shown:
        await shown.click(shown.lines[0].index("failed"), 0)
        await shown.until(lambda: shown.app.main.table.ids == ["pdf-parser"])


async def test_a_manager_that_cannot_be_asked_is_told_of() -> None:
    class Silent(SceneControl):
        silent = False

        async def list(self):  # type: ignore[no-untyped-def]
            if self.silent:
                raise UnavailableError("The manager has ended.")
            return await super().list()

    control = Silent(*rows())
    async with stage(control=control) as shown:
        control.silent = True
        await shown.shows("The manager has ended.")
        control.silent = False
        await shown.shows("1 failed")


async def test_many_that_start_show_how_far_they_are() -> None:
    waiting = [snapshot(f"worker-{number}", Status.WAITING) for number in range(30)]
    async with stage(control=FakeControl(*waiting)) as shown:
        await shown.shows("30 waiting   ────────────")
        for row in waiting[:15]:
            shown.control.put(msgspec.structs.replace(row, status=Status.RUNNING, pid=1))
        await shown.shows("━━━━━━──────")


async def test_hostile_names_and_reasons_are_text() -> None:
    row = snapshot("evil", reason="[/bold] \x1b]52;c;x\x07 [@click=app.quit]go[/] ‮", command="\x1b[2J")
    async with stage(control=FakeControl(row)) as shown:
        await shown.shows("[/bold]")
        for keys in ("right_square_bracket", "right_square_bracket", "right_square_bracket", "x", "escape", "q"):
            await shown.press(keys)
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f‮]", shown.text)


async def test_no_resize_breaks_it() -> None:
    async with stage(120, 36) as shown:
        for _ in range(20):
            await shown.app.poller.poll()
        await shown.settle()
        picture = shown.text
        for number in range(100):
            await shown.resize(1 + number * 37 % 150, 1 + number * 23 % 60)
        await shown.resize(1, 1)
        await shown.resize(120, 36)
        await shown.until(lambda: shown.text == picture)


async def test_a_timer_that_is_late_at_once_comes_all_the_same() -> None:
    """Textual waits with a new size and with drawing for short timers: one that never came would be a frozen screen."""
    async with stage() as shown:
        came: list[str] = []
        shown.app.set_timer(1e-9, lambda: came.append("it"))
        await shown.until(lambda: came)


async def test_without_an_owner_quitting_leaves_the_manager_alone() -> None:
    control, logs = scene()
    app = DashboardApp(control, logs)
    async with app.run_test() as pilot:
        shown = Stage(app, pilot, control, logs)
        await shown.press("q")
        await shown.until(lambda: app._exit)
    assert control.calls == []


async def test_a_failing_log_disk_is_an_alarm_in_the_title_and_on_the_info_tab() -> None:
    control, logs = scene()
    problem = LogProblem(
        since="2026-11-20T11:00:00Z",
        message="cannot write ai-agent-stdout.log: No space left on device",
        missing_lines=1234,
        missing_bytes=5 << 20,
    )
    control.rows["ai-agent"] = msgspec.structs.replace(control.rows["ai-agent"], log_problem=problem)
    async with stage(width=140, control=control, logs=logs) as shown:
        await shown.until(lambda: "log disk failing since " in shown.lines[0])
        assert ", 5 MB missing" in shown.lines[0]
        await shown.press("]")
        await shown.shows("cannot write ai-agent-stdout.log: No space left on device, since ")
        await shown.shows("1,234 lines (5 MB) missing")


async def test_errors_of_the_config_stay_in_the_title_and_are_read_in_a_dialog() -> None:
    control, logs = scene()
    errors = ["processes[2].maxRetires: unknown field", "processes[3].command: expected text"]
    control.facts = msgspec.structs.replace(control.facts, errors=errors)
    control.changes = ConfigChanges(added=[], removed=[], changed=[], unchanged=[], errors=errors)
    async with stage(control=control, logs=logs) as shown:
        await shown.shows("2 config errors")
        await shown.press("L")
        await shown.shows("expected text")
        await shown.press("escape")
        assert not shown.app._notifications


async def test_the_dialog_with_the_errors_reloads_and_edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "pmtui.toml"
    config.write_text("[process.web]\n")
    monkeypatch.setenv("VISUAL", "vim")
    opened: list[list[str]] = []
    monkeypatch.setattr(DashboardApp, "suspend", lambda _: nullcontext())
    monkeypatch.setattr("pmtui.dashboard.screens.reach_actions.run_in_foreground", lambda argv, *_: opened.append(argv))
    control, logs = scene()
    control.facts = msgspec.structs.replace(control.facts, config=str(config))
    errors = [f"{config}:32:1: process.web.maxRetires: unknown field"]
    control.changes = ConfigChanges(added=[], removed=[], changed=[], unchanged=[], errors=errors)
    async with stage(control=control, logs=logs) as shown:
        await shown.press("L")
        await shown.shows("Ctrl-E edits")
        await shown.press("ctrl+e")
        await shown.until(lambda: opened == [["vim", "+32", str(config)]])
        await shown.press("L")
        await shown.shows("L reloads")
        control.changes = ConfigChanges(added=["new"], removed=[], changed=[], unchanged=[], errors=[])
        await shown.press("L")
        await shown.shows("Reload the config?")


async def test_the_host_is_in_the_title() -> None:
    control, logs = scene()
    control.facts = msgspec.structs.replace(control.facts, host="pocketbase (pid 4021)")
    async with stage(200, 30, control=control, logs=logs) as shown:
        await shown.shows("in pocketbase (pid 4021)")


async def test_reading_no_config_again_says_that_there_is_none() -> None:
    control = SceneControl()
    control.facts = msgspec.structs.replace(control.facts, config=None, searched=["/srv/pmtui.toml"])
    control.changes = ConfigChanges(added=[], removed=[], changed=[], unchanged=[], errors=[])
    async with stage(control=control, logs=FakeLogs()) as shown:
        await shown.press("L")
        await shown.until(lambda: any("no config in /srv" in note.message for note in shown.app._notifications))


async def test_a_terminal_that_is_too_small_takes_nothing_but_leaving() -> None:
    async with stage(40, 8) as shown:
        await shown.shows("too small")
        await shown.press("r", "s", "x", "y", "ctrl+p")
        assert shown.control.calls == []
        await shown.press("q")
        await shown.shows("y  Quit")
        await shown.press("n")
        await shown.resize(80, 24)
        await shown.shows("listening on")
        await shown.press("r")
        await shown.until(lambda: shown.control.calls)


async def test_escape_clears_what_was_told_first() -> None:
    async with stage() as shown:
        await shown.press("z", "slash", *"ai", "enter", "escape")
        assert not shown.app._notifications
        await shown.until(lambda: shown.app.main.table.table_view.filter)


async def test_nothing_written_is_not_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    async with stage(logs=FakeLogs()) as shown:
        await shown.press("w")
        await shown.until(lambda: any("Nothing to save" in note.message for note in shown.app._notifications))
    assert os.listdir(tmp_path) == []


async def test_lines_are_saved_to_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".pmtui").mkdir()
    control, logs = scene()
    control.facts = msgspec.structs.replace(control.facts, config=str(tmp_path / "pmtui.toml"))
    async with stage(control=control, logs=logs) as shown:
        await shown.press("w")
        await shown.until(lambda: os.listdir(tmp_path / ".pmtui"))
    assert os.listdir(tmp_path) == [".pmtui"]


async def test_up_at_the_top_of_env_stays_there() -> None:
    async with stage() as shown:
        await shown.press("left_square_bracket", "tab")
        await shown.shows("***")
        await shown.press("up", "v")
        await shown.shows("secret of OPENAI_API_KEY")


async def test_the_problems_filter_shows_that_it_is_on() -> None:
    async with stage() as shown:
        await shown.press("exclamation_mark")
        await shown.shows("problems 3 of 12")
        assert "? Help" in shown.lines[-1]


async def test_quitting_asks_nothing_where_nothing_runs() -> None:
    async with stage(control=FakeControl(snapshot("idle", Status.STOPPED))) as shown:
        assert isinstance(shown.owner, FakeOwner)
        await shown.press("q")
        assert shown.owner.asked == 1


async def test_why_tells_of_restarts_in_words_and_only_where_it_runs() -> None:
    running = snapshot("one", restart_count=1, restart_reason=Reason.USER, reason="user")
    stopped = snapshot("two", Status.STOPPED, restart_count=1, restart_reason=Reason.USER)
    async with stage(control=FakeControl(running, stopped)) as shown:
        await shown.shows("restarted by user")
        assert shown.text.count("user") == 1


async def test_a_visitor_is_told_that_it_detaches_and_sees_no_secret() -> None:
    control, logs = scene()
    app = DashboardApp(control, logs)
    async with app.run_test(size=(150, 60)) as pilot:
        shown = Stage(app, pilot, control, logs)
        await shown.press("question_mark")
        await shown.shows("Detach; the manager keeps running")
        assert "stop all" not in shown.text
        await shown.press("escape", "left_square_bracket")
        await shown.shows("***  secret: only the dashboard that runs")


async def test_quitting_asks_about_what_the_screen_does_not_show_yet() -> None:
    control = FakeControl()
    async with stage(control=control) as shown:
        shown.app.workers.cancel_group(shown.app, "feed")
        control.rows = {"web": snapshot("web")}
        await shown.press("q")
        await shown.shows("This stops 1 process.")
        assert isinstance(shown.owner, FakeOwner)
        assert shown.owner.asked == 0


async def test_quitting_asks_also_if_the_manager_is_slow_to_answer_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.dashboard.app.LIST_TIMEOUT", 0.0)
    answers = asyncio.Event()

    class Slow(FakeControl):
        async def list(self) -> Sequence[Snapshot]:
            await answers.wait()
            return await super().list()

    control, logs, owner = Slow(snapshot("web")), FakeLogs(), FakeOwner()
    app = DashboardApp(control, logs, owner)
    async with app.run_test() as pilot:
        shown = Stage(app, pilot, control, logs)
        await shown.press("q")
        await asyncio.sleep(0.05)
        assert owner.asked == 0
        answers.set()
        await shown.shows("This stops 1 process.")


async def test_the_runs_of_a_job_have_a_tab() -> None:
    rows = [
        snapshot(
            "backup", Status.SCHEDULED, schedule="0 2 * * *", next_start="2026-11-20T15:12:00Z", last_run=job_run()
        ),
        snapshot("web"),
    ]
    control = FakeControl(*rows)
    control.ended = [job_run(run=2, reason="no disk (exit 3 after 1.0 s)", exit_code=3, trigger="user"), job_run()]
    async with stage(120, 30, control) as shown:
        await shown.shows("scheduled")
        await shown.shows("(in 3h12m)")
        await shown.press("left_square_bracket")
        await shown.shows("no disk (exit 3 after 1.0 s)")
        assert re.search(r"1 +\S+ +schedule +0 +✓ ok 00:04:11", shown.text)
        await shown.press("down")
        await shown.until(lambda: "│ Runs" not in shown.text)
        assert shown.app.main.tab == "info"
        await shown.press("up")
        await shown.shows("│ Runs")


async def test_a_job_that_waits_is_run_by_r_and_stopped_by_s() -> None:
    control = FakeControl(snapshot("backup", Status.SCHEDULED, schedule="@daily"))
    async with stage(control=control) as shown:
        await shown.shows("r Run now   s Stop")
        await shown.press("r")
        await shown.until(lambda: shown.control.calls == [("restart", "backup")])
        control.rows["backup"] = snapshot("backup", Status.SCHEDULED, schedule="@daily")
        await shown.app.poller.poll()
        await shown.press("s")
        await shown.until(lambda: ("stop", "backup") in shown.control.calls)
