"""What one open page costs: the manager's CPU, and the longest task of the browser's main thread.

`python -m tests.bench.web_cost [SECONDS]`: 200 processes, first at rest, then with one of them that floods its log.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.running import Running, running
from tests.web.conftest import CHROMIUM, OPTIONS, token_of

PROCESSES = 200
FLOOD = """
import sys, time
begin, number = time.monotonic(), 0
while True:  # 50,000 lines a second
    sys.stdout.write("INFO the quick brown fox jumps over a lazy dog 012345\\n" * 500)
    sys.stdout.flush()
    number += 1
    time.sleep(max(0, begin + number / 100 - time.monotonic()))
"""
LONG_TASKS = """
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
    }).observe({ type: "longtask" });
"""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def share(manager: Running, seconds: float) -> float:
    begin = cpu_seconds(manager.pid)
    time.sleep(seconds)
    return (cpu_seconds(manager.pid) - begin) / seconds * 100


def measure(manager: Running, page: Page, name: str, place: str, seconds: float) -> None:
    alone = share(manager, seconds)
    page.goto(f"{manager.url}/#token={token_of(manager)}")
    page.locator("tbody tr").first.wait_for()
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
    page.evaluate("place => location.hash = place", place)
    page.wait_for_timeout(2000)
    page.evaluate("longest = 0")
    watched = share(manager, seconds)
    longest = page.evaluate("longest")
    page.goto("about:blank")
    print(
        f"{name:<24}manager {alone:5.1f} % alone, {watched:5.1f} % with the page ({watched - alone:+.1f});"
        f" first paint {paint:.0f} ms, longest task {longest:.0f} ms"
    )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    quiet: list[dict[str, object]] = [{"id": f"p{n}", "command": "sleep 9999"} for n in range(PROCESSES - 1)]
    flood = {"id": "flood", "command": "python3", "args": ["-c", FLOOD], "autostart": False, "log": {"keep": 1}}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page()
        page.add_init_script(LONG_TASKS)
        with running(Path(folder), [*quiet, flood]) as manager:
            manager.wait_running([str(entry["id"]) for entry in quiet])
            measure(manager, page, "table, at rest", "#/", seconds)
            manager.post("/api/pm/flood/start")
            measure(manager, page, "table, one floods", "#/", seconds)
            measure(manager, page, "log that floods", "#/p/flood", seconds)
        browser.close()


if __name__ == "__main__":
    main()
