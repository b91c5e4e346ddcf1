"""The page as a whole: its policy, its accessibility, how it looks at any width, and a manager that is gone."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.eventually import eventually
from tests.running import Running, running
from tests.servers import free_port
from tests.web.conftest import PROCESSES, Opening, go, manager_of, token_of, wait_frame, watched_page

PLACES = ("", "#/p/talker/log", "#/p/bad/info", "#/p/web-2/events", "#/p/web-2/graph", "#/p/web-1/charts")


@pytest.mark.parametrize(("width", "scheme"), [(1600, "light"), (375, "dark")])
def test_axe_has_nothing_to_say(house: Running, visit: Opening, width: int, scheme: str) -> None:
    page = visit(house, width=width, scheme=scheme)
    found = {place: violations(page, place) for place in PLACES}
    go(page, "#/")
    page.get_by_label("Mark web-1").check()
    page.get_by_role("toolbar").get_by_text("Stop").click()
    page.get_by_role("dialog").wait_for()
    found["dialog"] = violations(page)
    assert found == {key: [] for key in found}


def violations(page: Page, place: str | None = None) -> list[object]:
    """What axe finds at that place, each with the elements it is about."""
    if place is not None:
        go(page, place)
        page.locator(".tabs" if place else "tbody tr").first.wait_for()
        page.wait_for_timeout(300)
    response = Axe().run(page).response
    return [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in response["violations"]]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("width", [375, 768])
def test_nothing_is_wider_than_a_narrow_window(house: Running, visit: Opening, place: str, width: int) -> None:
    page = visit(house, place, width=width)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_policy_is_enforced_by_the_browser(browser: Browser, house: Running) -> None:
    page, _ = watched_page(browser, house.url)
    page.goto(house.url)
    script = "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    for code in (script, "document.body.innerHTML = '<p>markup</p>'"):
        page.evaluate("code => { try { (0, eval)(code) } catch (error) { return error.name } }", code)
    assert page.evaluate("window.ran") is None
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("fetch('http://127.0.0.1:1/').catch(() => 0)")
    page.context.close()


def test_one_main_and_one_heading_and_a_title_that_names_the_process(house: Running, visit: Opening) -> None:
    page = visit(house)
    assert page.title().startswith("Processes")
    for place in PLACES:
        go(page, place)
        expect(page.locator("main")).to_have_count(1)
        expect(page.locator("h1")).to_have_count(1)
    go(page, "#/p/web-1")
    expect(page).to_have_title(re.compile(r"web-1 running · house\d+"))


def test_a_manager_that_is_killed_and_comes_back(tmp_path: Path, browser: Browser) -> None:
    port = str(free_port())
    with running(tmp_path, PROCESSES, "--port", port) as manager:
        manager.wait_running(["web-1"])
        url = manager.url
        page, problems = watched_page(browser, url)
        page.goto(f"{url}/#token={token_of(manager)}")
        page.locator("tbody tr").first.wait_for()
        go(page, "#/p/web-1")
        page.locator(".lines .line").first.wait_for()
        manager.process.kill()
        manager.process.wait()
        expect(page.locator("#stale")).to_contain_text("Stale since")
        expect(page.locator(".lines .line").last).to_be_visible()
    with running(tmp_path, PROCESSES, "--port", port) as manager:
        manager.wait_running(["web-1"])
        expect(page.locator("#stale")).to_be_hidden()
        expect(page.locator(".gap", has_text=re.compile(r"^run \d+$")).first).to_be_visible()
        last = page.locator(".line .text").last.inner_text()
        eventually(lambda: page.locator(".line .text").last.inner_text() != last)
        assert problems == []
        page.context.close()


def test_a_hidden_page_asks_for_nothing(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/web-1")
    page.locator(".lines .line").first.wait_for()
    hide = "hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden}); "
    hide += "document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(hide, True)
    wait_frame(page)  # for what was under way
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    last = page.locator(".line .text").last.inner_text()
    page.wait_for_timeout(1500)
    assert (asked, page.locator(".line .text").last.inner_text()) == ([], last)
    page.evaluate(hide, False)
    eventually(lambda: page.locator(".line .text").last.inner_text() != last)
    texts = page.evaluate("[...document.querySelectorAll('.line .text')].map((e) => e.textContent)")
    ticks = [int(text.split()[1]) for text in texts if text.startswith("tick")]
    assert ticks == [*range(ticks[0], ticks[-1] + 1)]  # nothing is lost, nothing comes twice


def test_at_most_one_list_a_second_and_one_stream(house: Running, browser: Browser) -> None:
    page, problems = watched_page(browser, house.url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition("/api/pm/")[2]))
    page.goto(f"{house.url}/#token={token_of(house)}")
    lists = "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/list')).length"
    page.wait_for_function(f"() => {lists} >= 4")
    count, seconds = page.evaluate(f"[{lists}, performance.now() / 1000]")
    assert count <= seconds + 1
    assert {*asked} == {"", "list", "config", "events"}
    assert asked.count("events") == 1
    assert problems == []
    page.context.close()


def test_the_theme_can_be_chosen_and_stays(house: Running, visit: Opening) -> None:
    page = visit(house)
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    page.locator("tbody tr").first.wait_for()
    assert page.evaluate(background) == dark


def test_errors_of_the_config_are_shown(tmp_path: Path, browser: Browser) -> None:
    config = [{"id": "good", "command": "sleep 600"}, {"id": "bad", "command": "sleep 1", "maxRetires": 3}]
    with manager_of(tmp_path, config) as manager:
        page, problems = watched_page(browser, manager.url)
        page.goto(f"{manager.url}/#token={token_of(manager)}")
        page.get_by_text("1 config error").click()
        expect(page.locator("#errors")).to_contain_text("did you mean maxRetries?")
        assert problems == []
        page.context.close()


def test_without_a_process_it_shows_how_to_make_one(tmp_path: Path, browser: Browser) -> None:
    with manager_of(tmp_path, []) as manager:
        page, problems = watched_page(browser, manager.url)
        page.goto(f"{manager.url}/#token={token_of(manager)}")
        expect(page.locator(".empty")).to_contain_text("names no process")
        expect(page.locator(".empty")).to_contain_text("[process.web]")
        assert problems == []
        page.context.close()


def test_no_web_leaves_the_api_alone(tmp_path: Path) -> None:
    with manager_of(tmp_path, PROCESSES, "--no-web") as manager:
        status, answer = manager.get("/")
        assert (status, answer["status"]) == (404, 404)
        assert "serves no web page; start it without --no-web" in answer["message"]
        assert manager.get("/api/pm/list")[0] == 200
