"""Records, tracebacks and levels in the log pane."""

import msgspec

from pmtui.control import Reason, RunExit, Status
from pmtui.dashboard.dialogs.entry import EntryDialog
from pmtui.dashboard.log_view.display import display
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.log_view.options import RenderOptions
from pmtui.dashboard.log_view.run_notes import RunNotes
from pmtui.dashboard.style.glyphs import UNICODE
from tests.dashboard.scene import NOW, FakeLogs, SceneControl
from tests.dashboard.stage import Stage, stage
from tests.dashboard.test_log_rendering import LOOK
from tests.fake_control import snapshot

JSON = '{"ts":"2026-11-20T12:00:00Z","level":50,"msg":"timed out","route":"/v1","user":{"id":8}}'
TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/srv/app/orders.py", line 6, in decode',
    "RuntimeError: order 4711 has no token",
)


def shown(data: str, **options: object) -> list[str]:
    line = Line(1, 0, "stdout", 1, data.encode(), "a")
    rows = display(line, RenderOptions(width=80, **options), LOOK, UNICODE)  # type: ignore[arg-type]
    return [row.text for row in rows]


def test_a_record_is_shown_by_level_message_and_fields() -> None:
    assert shown(JSON, pretty=True) == ["ERR  timed out  route=/v1  user.id=8"]
    assert shown('level=warn msg="slow query" ms=12', pretty=True) == ["WRN  slow query  ms=12"]
    assert shown(JSON) == [JSON]


def test_a_field_with_control_characters_is_harmless_and_on_one_row() -> None:
    (text,) = shown(r'{"msg":"a\nb\u001b[2J\u001b]52;c;x\u0007","k\u001b[1m":"\u0000"}', pretty=True)
    assert text.isprintable()
    assert "a ⏎ b" in text


def test_the_time_of_a_line_is_shown_once() -> None:
    assert shown("2026-11-20 12:00:00,123 INFO x", pretty=True) == ["INFO x"]
    assert shown("2026-11-20 12:00:00,123 INFO x", pretty=True, times=False) == ["2026-11-20 12:00:00,123 INFO x"]


def structured() -> FakeLogs:
    logs = FakeLogs()
    logs.write("ai-agent", "INFO starting", JSON, "level=warn msg=slow ms=12", "plain line")
    for text in TRACEBACK:
        logs.ring("ai-agent").append("stderr", 1, int(NOW * 1000) + 50, f"{text}\n".encode(), 1)
    logs.write("ai-agent", "INFO going on", ms=int(NOW * 1000) + 900)
    return logs


async def opened(shown: Stage) -> None:
    await shown.until(lambda: isinstance(shown.app.screen, EntryDialog))


async def test_a_traceback_is_one_entry_until_raw_lines_are_asked_for() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        await shown.shows("✖ RuntimeError: order 4711 has no token  ▸ 3 lines")
        await shown.shows("orders.py:6 decode")
        await shown.press("p")
        await shown.shows("Traceback (most recent call last):")
        await shown.shows(JSON[:60])
        await shown.press("p")
        await shown.shows("ERR  timed out")


async def test_errors_are_counted_marked_and_opened() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        await shown.press("e")
        await shown.shows("error 2 of 2")
        await shown.press("e")
        await shown.shows("error 1 of 2")
        await shown.shows("▌12:00:00.000  ERR  timed out")
        await shown.press("tab", "enter")
        await opened(shown)
        await shown.shows("route    /v1")
        await shown.press("escape", "j", "j", "j", "enter")
        await opened(shown)
        await shown.shows('  File "/srv/app/orders.py", line 6, in decode')


async def test_the_open_entry_goes_on_to_other_errors_and_lines() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        await shown.press("e", "tab", "enter")
        await opened(shown)
        await shown.shows('  File "/srv/app/orders.py", line 6, in decode')
        await shown.press("E")
        await shown.shows("route    /v1")
        assert "orders.py" not in "".join(line[10:110] for line in shown.lines if "│" in line[:12])
        await shown.press("right")
        await shown.shows("message  slow")
        await shown.press("n")
        assert isinstance(shown.app.screen, EntryDialog)
        await shown.press("escape")
        marked = shown.app.main.pane.marked
        assert marked is not None
        assert marked.data == b"level=warn msg=slow ms=12"


async def test_the_open_entry_is_copied_as_it_was_written() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        await shown.press("e", "E", "tab", "enter")
        await opened(shown)
        await shown.press("y")
        await shown.until(lambda: any("Copied 1 line" in note.message for note in shown.app._notifications))
        assert shown.app.clipboard == JSON


async def test_a_jump_goes_on_to_what_has_arrived_since_the_log_was_paused() -> None:
    logs = structured()
    async with stage(120, 36, logs=logs) as shown:
        await shown.press("e")
        await shown.shows("error 2 of 2")
        logs.write("ai-agent", "fine", JSON.replace("timed out", "refused"), "fine", ms=int(NOW * 1000) + 2000)
        await shown.shows("3 new")
        await shown.press("e")
        await shown.shows("error 3 of 3")
        assert not shown.app._notifications
        await shown.press("e")
        await shown.shows("error 1 of 3")


async def test_a_jump_says_when_it_goes_on_at_the_other_end() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        await shown.press("e")
        await shown.shows("error 2 of 2")
        assert not shown.app._notifications
        for key, end in (("e", "oldest"), ("E", "newest")):
            await shown.press(key)
            said = f"Continued from the {end} line"
            await shown.until(lambda said=said: [note.message for note in shown.app._notifications] == [said])  # type: ignore[misc]


async def test_enter_in_the_log_marks_the_last_line_then_opens_it() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        await shown.press("tab", "enter")
        marked = shown.app.main.pane.marked
        assert marked is not None
        assert marked.data == b"INFO going on"
        await shown.press("escape")
        assert shown.app.main.pane.marked is None


async def test_levels_are_chosen_and_named() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        pane = shown.app.main.pane
        await shown.press("l")
        await shown.shows("level info")
        assert "plain line" not in shown.text
        await shown.press("l", "l")
        await shown.shows("level error")
        assert len(pane.everything()) == 2
        await shown.press("l")
        await shown.shows("plain line")


async def test_a_search_understands_fields_and_levels() -> None:
    async with stage(120, 36, logs=structured()) as shown:
        await shown.press("tab", "slash", *"route=/v* level:error", "enter")
        await shown.shows("1 of 1")
        await shown.press("slash")
        await shown.press(*["backspace"] * 30, *"level:loud")
        await shown.shows("expected one of trace, debug")
        await shown.press("escape")
        await shown.shows("/route=/v* level:error")


async def test_a_new_run_says_why_it_was_started_and_how_the_last_one_ended() -> None:
    row = snapshot("web", restart_count=1, restart_reason=Reason.WATCH, reason="watch: main.py changed")

    class Control(SceneControl):
        async def get(self, process_id: str):  # type: ignore[no-untyped-def]
            detail = await super().get(process_id)
            ended = RunExit(run=1, time="2026-11-20T11:58:52Z", code=1, signal=None, uptime_seconds=4.0, lines=[])
            return msgspec.structs.replace(detail, exits=[ended])

    logs = FakeLogs()
    logs.write("web", "one")
    logs.write("web", "two", run=2)
    async with stage(120, 36, Control(row), logs) as shown:
        await shown.shows("── run 2 · 12:00:00 · watch: main.py changed · run 1: exit 1 after 4.0 s ──")


def test_notes_of_runs_tell_restarted_processes_apart() -> None:
    notes = RunNotes()
    row = snapshot("web")
    assert notes.observe([row, snapshot("db", Status.STOPPED)]) == {"web", "db"}
    assert notes.observe([row]) == set()
    assert notes.observe([snapshot("web", restart_count=1, restart_reason=Reason.USER, reason="user")]) == {"web"}
    assert notes.texts() == {("web", 2): "restarted by user"}


def test_notes_of_runs_say_once_how_the_former_run_ended() -> None:
    notes = RunNotes()
    notes.observe([snapshot("a", restart_count=1, restart_reason=Reason.CRASH, reason="crash: exit 1 after 310.4 s")])
    assert notes.texts() == {("a", 2): "crash: exit 1 after 310.4 s"}
    notes.add_exits("a", [RunExit(run=1, time="", uptime_seconds=310.4, code=1, signal=None, lines=[])])
    assert notes.texts() == {("a", 2): "restarted after a crash · run 1: exit 1 after 5m10s"}
