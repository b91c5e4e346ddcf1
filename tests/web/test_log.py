import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.eventually import eventually
from tests.running import Running
from tests.web.conftest import HOSTILE, Opening, go, manager_of, wait_toast

MAX_ROWS = 600
LINES = "document.querySelector('.lines')"
FLOOD = "import sys\nwhile True: sys.stdout.write('flood of lines that never ends\\n' * 500)"


def lines(page: Page) -> Locator:
    return page.locator(".line .text")


def test_hostile_output_stays_text(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/talker")
    expect(lines(page).first).to_have_text(f"{HOSTILE} end")
    assert page.locator(".lines :not(div, span, time)").count() == 0
    for tab in ("info", "events", "graph"):
        go(page, f"#/p/talker/{tab}")
        page.wait_for_timeout(300)
        assert page.locator("main img, main script").count() == 0
    go(page, "#/p/talker/info")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()


def test_it_follows_and_holds_still(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/web-1")
    page.wait_for_function(f"() => {LINES}.scrollHeight > 3 * {LINES}.clientHeight")
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    at_end = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 5"
    eventually(lambda: page.locator(".lines").evaluate(at_end))
    page.locator(".lines").evaluate("e => e.scrollTop = e.clientHeight")  # far from both ends, where lines are added
    expect(follow).to_have_attribute("aria-pressed", "false")
    first = lines(page).first.inner_text()
    expect(page.locator(".pill")).to_have_text(re.compile("new"))
    assert lines(page).first.inner_text() == first
    page.keyboard.press("G")
    expect(follow).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".pill")).to_be_hidden()


def test_filters_by_level_stream_and_search(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/talker")
    page.get_by_label("level").select_option("warn")
    expect(lines(page)).to_have_text(["WARNING: disk is nearly full", "ValueError: <b>bad</b>"])
    page.get_by_label("stream").select_option("stderr")
    expect(lines(page)).to_have_text(["ValueError: <b>bad</b>"])
    page.get_by_label("stream").select_option("")
    page.get_by_label("level").select_option("")
    page.get_by_label("Search in the log").fill('"INFO (line"')
    expect(lines(page)).to_have_count(0)
    page.get_by_label("Search in the log").fill("re:(")
    expect(page.locator(".notice")).to_contain_text("missing )")
    page.get_by_label("Search in the log").fill('!img "info line"')
    expect(lines(page)).to_have_text(["plain info line"])
    expect(page.get_by_text("1 found")).to_be_visible()
    page.get_by_role("button", name="Only matches").click()
    lines(page).nth(3).wait_for()
    expect(page.get_by_text("1 found")).to_be_visible()
    page.get_by_label("Search in the log").press("Enter")
    expect(page.get_by_text("1 of 1")).to_be_visible()


def test_an_unfinished_line_is_shown_until_it_is_finished(tmp_path: Path, visit: Opening) -> None:
    command = "printf 'Password: '; echo noise >&2; while [ ! -e go ]; do sleep 0.05; done; echo given; exec sleep 600"
    with manager_of(tmp_path, [{"id": "login", "command": command, "shell": True}]) as manager:
        page = visit(manager, "#/p/login")
        expect(lines(page)).to_have_text(["noise", "Password: "])
        expect(page.locator("[data-partial]")).to_have_count(1)
        (tmp_path / "go").touch()
        expect(lines(page)).to_have_text(["noise", "Password: given"])
        expect(page.locator("[data-partial]")).to_have_count(0)


def test_records_show_level_and_message_first(tmp_path: Path, visit: Opening) -> None:
    record = '{"ts": "2026-01-01", "level": "warn", "user": {"id": 812}, "msg": "slow query"}'
    with manager_of(tmp_path, [{"id": "api", "command": f"echo '{record}'", "shell": True}]) as manager:
        page = visit(manager, "#/p/api")
        shown = page.locator(".record").first
        expect(shown).to_have_text('WARN  slow query  user={"id":812}')
        expect(lines(page).first).to_be_hidden()
        page.keyboard.press("p")
        expect(lines(page).first).to_be_visible()
        expect(lines(page).first).to_have_text(record)
        expect(shown).to_be_hidden()


def test_what_passes_no_filter_is_said_and_a_time_range_holds_still(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/talker/log?until=2020-01-01T00:00:00Z")
    expect(page.get_by_text("No line passes these filters.")).to_be_visible()
    page.get_by_role("button", name="Newest").click()
    lines(page).nth(3).wait_for()
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "true")


def test_an_event_leads_to_the_log_of_its_time(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/bad/events")
    expect(page.locator(".events tbody tr").first).to_contain_text("failed")
    page.locator(".events a").first.click()
    expect(lines(page).last).to_contain_text("RuntimeError")


def test_times_wrap_copy_and_download(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/talker/log?level=warn")
    lines(page).nth(1).wait_for()
    time = page.locator(".line time").first
    expect(time).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    page.get_by_role("button", name="Copy").click()
    wait_toast(page, "Copied 2 lines")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"\S+Z WARNING: disk is nearly full\n\S+Z ValueError: <b>bad</b>\n", copied)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").click()
    assert downloading.value.suggested_filename == "talker.log"
    assert Path(downloading.value.path()).read_text() == copied
    page.get_by_role("button", name="Times").click()
    expect(time).to_be_hidden()
    page.keyboard.press("t")
    expect(time).to_be_visible()


def test_a_process_may_have_the_name_of_a_route(tmp_path: Path, visit: Opening) -> None:
    names = ("list", "events", "config", "graph", "logs", "start")
    with manager_of(tmp_path, [{"id": name, "command": f"echo I am {name}"} for name in names]) as manager:
        page = visit(manager)
        for name in names:
            go(page, f"#/p/{name}")
            expect(lines(page).first).to_have_text(f"I am {name}")


def test_a_flood_among_two_hundred_processes_stays_bounded(tmp_path: Path, visit: Opening) -> None:
    config: list[dict[str, object]] = [{"id": f"p{n}", "command": "sleep 600"} for n in range(199)]
    config.append({"id": "flood", "command": "python3", "args": ["-c", FLOOD], "log": {"file": False}})
    with manager_of(tmp_path, config) as manager:
        manager.wait_running([str(entry["id"]) for entry in config])
        page = visit(manager)
        expect(page.locator("tbody tr")).to_have_count(200)
        go(page, "#/p/flood")
        page.get_by_text("lines left out here").first.wait_for()
        for _ in range(5):
            page.wait_for_timeout(200)
            assert page.locator(".lines > *").count() <= MAX_ROWS
        page.locator(".lines").evaluate("e => e.scrollTop = e.scrollHeight / 2")
        expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
        held = lines(page).first.evaluate("e => e.parentElement.item.seq")
        expect(page.locator(".pill")).to_have_text(re.compile("new"))
        page.wait_for_timeout(500)
        assert page.locator(".lines > *").count() <= MAX_ROWS
        assert lines(page).first.evaluate("e => e.parentElement.item.seq") == held
        page.keyboard.press("f")
        eventually(lambda: lines(page).first.evaluate("e => e.parentElement.item.seq") > held)


def test_older_lines_come_while_one_scrolls_up(tmp_path: Path, visit: Opening) -> None:
    command = "seq 5000; exec sleep 600"
    with manager_of(tmp_path, [{"id": "count", "command": command, "shell": True}]) as manager:
        page = visit(manager, "#/p/count")
        expect(lines(page).last).to_have_text("5000")
        first = int(lines(page).first.inner_text())
        eventually(lambda: int(scrolled(page, "0").first.inner_text()) < first - 1500)
        assert len(numbers_without_gap(page)) <= MAX_ROWS

        def is_at_end() -> bool:
            scrolled(page, "e.scrollHeight")
            return numbers_without_gap(page)[-1] == 5000

        eventually(is_at_end)


def numbers_without_gap(page: Page) -> list[int]:
    """The lines that are shown, which are numbers."""
    numbers: list[int] = page.evaluate(
        "[...document.querySelectorAll('.line .text')].map((e) => Number(e.textContent))"
    )
    assert numbers == [*range(numbers[0], numbers[-1] + 1)]
    return numbers


def scrolled(page: Page, top: str) -> Locator:
    """The lines after the page has scrolled to that place."""
    page.locator(".lines").evaluate(f"e => e.scrollTop = {top}")
    return lines(page)
