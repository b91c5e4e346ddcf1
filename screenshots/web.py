"""Take the pictures of the web page: the real page over the real processes of `project/`, in Chromium.

`python screenshots/web.py [NAME …]` in the repository; the PNG files are written next to this file.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.running import Running
from tests.web.conftest import CHROMIUM, OPTIONS, token_of

HERE = Path(__file__).parent
WIDE, NARROW = (1360, 800), (375, 740)
PICTURES = {
    "web-overview": (WIDE, "dark", "#/"),
    "web-overview-light": (WIDE, "light", "#/"),
    "web-narrow": (NARROW, "dark", "#/"),
    "web-narrow-light": (NARROW, "light", "#/"),
    "web-log": (WIDE, "dark", "#/p/ai-agent"),
    "web-log-light": (WIDE, "light", "#/p/ai-agent"),
    "web-log-narrow": (NARROW, "dark", "#/p/ai-agent"),
    "web-charts": (WIDE, "dark", "#/p/ai-agent/charts"),
    "web-charts-light": (WIDE, "light", "#/p/ai-agent/charts"),
    "web-events-light": (WIDE, "light", "#/p/ingest/events"),
    "web-graph": (WIDE, "dark", "#/p/report/graph"),
}
SETTLING_TIME = 120.0
"""Seconds of history for the charts."""


def take_picture(browser: Browser, manager: Running, name: str) -> None:
    (width, height), scheme, place = PICTURES[name]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{manager.url}/#token={token_of(manager)}")
    page.locator("tbody th a").first.wait_for()
    page.evaluate("place => location.hash = place", place)
    if place.endswith("charts"):
        page.keyboard.press("+")  # the last 15 minutes
    page.wait_for_timeout(3000)  # for the small lines
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=HERE / f"{name}.png")
    context.close()


def copy_project(directory: Path) -> None:
    """Copy the project, with dependencies between its processes for the graph."""
    shutil.copytree(HERE / "project", directory)
    config = directory / "pmtui.toml"
    text = config.read_text().replace("[process.ai-agent]\n", '[process.ai-agent]\ndependsOn = ["web"]\n')
    report = (
        'command = "sleep 1000"\ndependsOn = { ai-agent = "started", migrate = "succeeded", pdf-parser = "started" }\n'
    )
    config.write_text(f"{text}\n[process.report]\n{report}")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        project = Path(directory).resolve() / "agents"
        copy_project(project)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        manager = Running(project, None, "-c", "pmtui.toml")
        try:
            manager.wait_until_served()
            time.sleep(SETTLING_TIME)
            for name in sys.argv[1:] or PICTURES:
                take_picture(browser, manager, name)
        finally:
            manager.stop()
        browser.close()


if __name__ == "__main__":
    main()
