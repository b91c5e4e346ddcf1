"""The page in a real browser over a real manager. A violation of its policy, an error in its scripts, or a request to
anywhere else fails the test that caused it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.eventually import DEADLINE, eventually
from tests.running import Running, running

expect.set_options(timeout=DEADLINE * 1000)
CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
TALK = f"""
import fcntl, sys, termios, time
print({HOSTILE!r} + " \\x1b]52;c;AAAA\\x07\\u202eend")
print("plain info line")
print("WARNING: disk is nearly full")
while any(fcntl.ioctl(1, termios.FIONREAD, bytes(4))):
    time.sleep(0.01)  # until all of that is read: lines of two streams have no order of their own
print("ValueError: <b>bad</b>", file=sys.stderr)
time.sleep(600)
"""
TICK = """
import time
for number in range(1000000):
    print("tick", number, flush=True)
    time.sleep(0.05)
"""
PROCESSES: list[dict[str, object]] = [
    {"id": "web-1", "command": "python3", "args": ["-u", "-c", TICK], "group": "front"},
    {"id": "web-2", "command": "sleep 600", "group": "front", "dependsOn": ["talker"]},
    {"id": "talker", "command": "python3", "args": ["-u", "-c", TALK], "env": {"NOTE": HOSTILE}, "group": HOSTILE},
    {"id": "job", "command": "true", "restart": "never"},
    {"id": "bad", "command": f"echo 'RuntimeError: {HOSTILE}' >&2; exit 3", "shell": True, "maxRetries": 0},
    {"id": "off", "command": "sleep 600", "autostart": False},
]
ALL = [str(entry["id"]) for entry in PROCESSES]
Problems = list[str]
GO = """place => new Promise((done) => {
    if (location.hash === place) return done();
    addEventListener("hashchange", () => done(), { once: true });
    location.hash = place;
})"""
KEEP_TOASTS = """globalThis.toasts = [];
    const texts = ({ addedNodes }) => [...addedNodes].map((node) => node.textContent);
    const kept = new MutationObserver((changes) => toasts.push(...changes.flatMap(texts)));
    addEventListener("DOMContentLoaded", () => {
        const place = document.getElementById("toasts");
        if (place) kept.observe(place, { childList: true });
    })"""


@pytest.fixture(scope="package")  # no longer: it has a running event loop, beside which no other can run
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS, timeout=DEADLINE * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A manager whose processes tests only look at."""
    with running(tmp_path_factory.mktemp("house"), PROCESSES) as manager:
        manager.wait_running(["web-1", "web-2", "talker"])
        eventually(lambda: [manager.row(name)["status"] for name in ("bad", "job")] == ["failed", "completed"])
        yield manager


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Running]:
    """A manager of the test's own."""
    with running(tmp_path, PROCESSES) as manager:
        manager.wait_running(["web-1", "web-2", "talker"])
        yield manager


Opening = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opening]:
    """Opens the page of a manager, signed in: `visit(manager, "#/p/web", width=375, scheme="dark")`."""
    pages: list[tuple[Page, Problems]] = []

    def opened(manager: Running, place: str = "", *, width: int = 1280, scheme: str = "light", token: str = "") -> Page:
        page, problems = watched_page(browser, manager.url, width, scheme)
        pages.append((page, problems))
        page.goto(f"{manager.url}/#token={token or token_of(manager)}")
        page.locator("tbody tr").first.wait_for()
        if place:
            go(page, place)
        return page

    yield opened
    for page, problems in pages:
        assert problems == []
        assert "pwned" not in page.title()
        page.context.close()


def watched_page(browser: Browser, url: str, width: int = 1280, scheme: str = "light") -> tuple[Page, Problems]:
    """A new page, and a list that gets everything that should not happen on it."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, accept_downloads=True)  # type: ignore[arg-type]
    context.set_default_timeout(DEADLINE * 1000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(KEEP_TOASTS)
    page = context.new_page()
    problems: Problems = []

    def on_console(message: ConsoleMessage) -> None:
        # What the browser itself says about an answer of 4xx or no answer at all is no error of the page.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            problems.append(message.text)

    def on_request(request: Request) -> None:
        if not request.url.startswith((url, "blob:", "about:", "data:")):
            problems.append(f"a request to {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", on_request)
    return page, problems


def go(page: Page, place: str) -> None:
    """Return when the page shows that place."""
    page.evaluate(GO, place)


def wait_toast(page: Page, text: str) -> None:
    """Return when a toast with that text has been shown, be it gone again or not."""
    page.wait_for_function("text => toasts.some((toast) => toast.includes(text))", arg=text)


def wait_frame(page: Page) -> None:
    """Return when the page has drawn what it knows."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def token_of(manager: Running) -> str:
    return (manager.data / "token").read_text().strip()


@contextmanager
def manager_of(folder: Path, config: object, *options: str) -> Iterator[Running]:
    with running(folder, config, *options) as manager:
        manager.wait_until_served()
        yield manager
