"""What is left of a manager after long trouble: `python -m tests.bench.soak [SECONDS] [SEED]` (600, random).

A hundred processes crash, flood, fork, hang and are watched, under a dashboard in a pseudo-terminal that owns the
manager. Meanwhile keys, the API and changes of files restart them at random. In the end nothing may have leaked:
descriptors, threads and tasks are those of the beginning, memory is that of the first minute, no process is left, and
what is counted in several places is the same in all. Prints a table; exit code 1 when something is not so.
"""

import contextlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped]

from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import eventually

KINDS = ("crash", "flood", "fork", "hang", "watch")
EACH = 20
MARK = "PMTUI_SOAK"
WORKER = r"""
import os, random, signal, subprocess, sys, time
kind = sys.argv[1]
if kind == "crash":
    time.sleep(random.uniform(0.1, 3))
    print("no more", flush=True)
    os._exit(random.choice([0, 1, 3]))
if kind == "flood":
    size = 1 << 20
    while True:
        os.write(1, b"".join(b"%099d\n" % n for n in range(size // 100)))
        size = 40_000
        time.sleep(random.uniform(1, 3))
if kind == "fork":
    subprocess.Popen(["sleep", "5003"])
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
if kind == "hang":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(5004)
"""
KEYS = (b"j", b"k", b"g", b"G", b"r", b"r", b"r", b"\t", b"]", b"[", b"a", b"f", b">", b"/", b"\x1b", b"d", b"\x1b")
COMMANDS = ("restart", "restart", "stop", "start")
SETTLE = 60.0
WARM = 15.0
POOLED = 4
"""Threads that pools may have made since, when for the first time so many were busy."""
MEMORY = 1.10
"""What the resident memory may be in the end, of what it was after the first minute."""


def config(folder: Path) -> str:
    rows = ["[settings]\nport = 0\n"]
    for kind in KINDS:
        for number in range(EACH):
            watched = folder / f"{kind}-{number:02}"
            watched.mkdir()
            lines = [f"[process.{watched.name}]", f'command = "{sys.executable}"', 'stopTimeout = "500ms"']
            lines += [f'args = ["-ISc", {json.dumps(WORKER)}, "{kind}"]', f'group = "{kind}"', "maxRetries = -1"]
            lines += ["log = { timestamps = false, keep = 1000 }"]
            lines += [f'devMode = true\nwatchPaths = ["{watched}"]'] if kind == "watch" else []
            rows.append("\n".join(lines) + "\n")
    return "\n".join(rows)


class Usage(NamedTuple):
    """What manager and guardian hold."""

    descriptors: Counter[str]
    threads: int
    tasks: int
    memory: float


class Api:
    """A client of the manager in `folder`."""

    def __init__(self, folder: Path) -> None:
        data = folder / ".pmtui"
        eventually((data / "instance.json").exists)
        facts = json.loads((data / "instance.json").read_text())
        self.pid = int(facts["pid"])
        self._place = facts["url"].removeprefix("http://")
        self._head = {"Authorization": f"Bearer {(data / 'token').read_text().strip()}"}

    def open(self, method: str, path: str, **head: str) -> http.client.HTTPResponse:
        client = http.client.HTTPConnection(self._place, timeout=60)
        client.request(method, path, headers=self._head | head)
        return client.getresponse()

    def call(self, method: str, path: str, wanted: tuple[int, ...] = (200,)) -> Any:
        with contextlib.closing(self.open(method, path)) as answer:
            body = answer.read()
        if answer.status not in wanted:
            raise AssertionError(f"{method} {path}: {answer.status} {body[:300]!r}")
        return json.loads(body) if body[:1] in (b"{", b"[") else body.decode()

    def all(self, verb: str) -> None:
        client = http.client.HTTPConnection(self._place, timeout=60)
        head = self._head | {"Content-Type": "application/json"}
        client.request("POST", f"/api/pm/{verb}", json.dumps({"ids": ["*"]}), head)
        answer = client.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        client.close()

    def list(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.call("GET", "/api/pm/list")
        return rows

    def usage(self) -> Usage:
        manager = psutil.Process(self.pid)
        own = [manager, *(child for child in manager.children() if child.name() == "pmtui")]
        descriptors = sum((descriptors_of(one.pid) for one in own), Counter())  # before a question opens one more
        tasks = re.search(r"^pmtui_manager_tasks (\d+)", self.call("GET", "/metrics"), re.MULTILINE)
        assert tasks
        return Usage(
            descriptors,
            sum(one.num_threads() for one in own),
            int(tasks[1]),
            sum(one.memory_info().rss for one in own) / 1e6,
        )

    def counted(self, name: str) -> Counter[str]:
        """The sum of all samples of each process."""
        found: Counter[str] = Counter()
        for process_id, value in re.findall(rf'^{name}\{{id="([^"]+)".*\}} (\d+)', self.call("GET", "/metrics"), re.M):
            found[process_id] += int(value)
        return found


class Events:
    """Counts the starts that the stream of events tells."""

    def __init__(self, api: Api) -> None:
        self.starts: Counter[str] = Counter()
        self.story: defaultdict[str, list[str]] = defaultdict(list)
        self.missed = 0
        self.last = 0
        self._answer = api.open("GET", "/api/pm/events", **{"Last-Event-ID": "0"})
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            for line in self._answer:
                if line.startswith(b"data: "):
                    self._take(json.loads(line[6:]))

    def _take(self, event: dict[str, Any]) -> None:
        self.missed += event.get("events", 0)
        self.last = event.get("seq", self.last)
        self.story[event.get("id", "")].append(f"{event}")
        if event.get("to") == "starting":
            self.starts[event["id"]] += 1


class Trouble(threading.Thread):
    """Does what users, scripts and editors do, at random, until `over` is set."""

    def __init__(self, shown: PseudoTerminal, api: Api, seed: int) -> None:
        super().__init__(daemon=True)
        self.done: Counter[str] = Counter()
        self.failed: Exception | None = None
        self.over = threading.Event()
        self._shown, self._api, self._random = shown, api, random.Random(seed)
        self._ids = [row["id"] for row in api.list()]

    def run(self) -> None:
        try:
            while not self.over.wait(self._random.uniform(0, 0.3)):
                self._random.choice((self._press, self._command, self._edit, self._look))()
        except Exception as error:
            self.failed = error

    def _press(self) -> None:
        self.done["keys"] += 1
        self._shown.press(self._random.choice(KEYS))
        self._shown.forget()

    def _command(self) -> None:
        self.done["commands"] += 1
        verb, process_id = self._random.choice(COMMANDS), self._random.choice(self._ids)
        self._api.call("POST", f"/api/pm/{process_id}/{verb}?wait={self._random.choice(('true', 'false'))}", (200, 409))

    def _edit(self) -> None:
        self.done["edits"] += 1
        folder = self._shown.folder / f"watch-{self._random.randrange(EACH):02}"
        (folder / "source.py").write_text(str(self._random.random()))

    def _look(self) -> None:
        self.done["questions"] += 1
        path = self._random.choice(("logs?lines=200", "events", "logs?grep=no+more", ""))
        wanted = (200, 400) if "grep" in path else (200,)  # a search is refused where it takes too long
        self._api.call("GET", f"/api/pm/{self._random.choice(self._ids)}/{path}".rstrip("/"), wanted)


def marked(mark: str) -> list[int]:
    """The processes that inherited the mark, other than manager and guardian."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                found.append(int(entry))
    return found


def rest(api: Api) -> Usage:
    """Stops all, and what the manager holds when it has nothing to do."""
    api.all("stop")
    eventually(lambda: all(row["status"] == "stopped" for row in api.list()), within=SETTLE)
    time.sleep(5)
    return api.usage()


@contextlib.contextmanager
def dashboard(folder: Path) -> Iterator[PseudoTerminal]:
    shown = PseudoTerminal(folder, config(folder), size=(120, 40), **{MARK: str(folder)})
    try:
        yield shown
    finally:
        shown.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            shown.ends()
        shown.close()


def endure(trouble: Trouble, api: Api, seconds: float) -> tuple[Usage, Usage]:
    """What the manager held after the first minute (or a tenth of a short run), and in the end."""
    begin, first = time.monotonic(), None
    trouble.start()
    while (passed := time.monotonic() - begin) < seconds and trouble.is_alive():
        time.sleep(min(20, seconds / 10))
        now = api.usage()
        if first is None and passed > min(60, seconds / 10):
            first = now
        restarts = sum(row["restartCount"] for row in api.list())
        print(f"  {passed:5.0f} s  {restarts:6} restarts  {now.memory:5.0f} MB  {dict(trouble.done)}", flush=True)
    trouble.over.set()
    trouble.join(60)
    assert not trouble.is_alive(), "a command has no answer after a minute"
    if trouble.failed:
        raise trouble.failed
    return first or now, api.usage()


def descriptors_of(pid: int) -> Counter[str]:
    """What is open, by name; sockets and the like by their kind."""
    found: Counter[str] = Counter()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found[os.readlink(link).partition(":[")[0]] += 1
    return found


def kept(folder: Path, process_id: str) -> int:
    return sum(path.stat().st_size for path in (folder / ".pmtui/logs").glob(f"{process_id}-std*.log"))


def main(seconds: float = 600, seed: int | None = None) -> int:
    seed = random.randrange(1 << 30) if seed is None else seed
    print(f"{seconds:.0f} s over {len(KINDS) * EACH} processes, seed {seed}")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name).resolve()
        with dashboard(folder) as shown:
            api = Api(folder)
            eventually(lambda: all(row["pid"] or row["restartCount"] for row in api.list()), within=SETTLE)
            events = Events(api)
            endure(Trouble(shown, api, seed), api, WARM)  # what is made when it is first needed is there
            before = rest(api)
            api.all("start")
            first, last = endure(Trouble(shown, api, seed), api, seconds)
            after = rest(api)
            left = set(marked(str(folder))) - {api.pid, *(child.pid for child in psutil.Process(api.pid).children())}
            checks = compare(api, events, folder)
            if more := after.descriptors - before.descriptors:
                print(f"  opened since: {dict(more)}")
        gone = eventually(lambda: not marked(str(folder)))
    checks += [
        ("descriptors", after.descriptors.total(), before.descriptors.total(), not more),
        ("threads", after.threads, before.threads + POOLED, after.threads <= before.threads + POOLED),
        ("tasks", after.tasks, before.tasks, after.tasks <= before.tasks),
        ("memory, MB", round(last.memory, 1), round(first.memory * MEMORY, 1), last.memory <= first.memory * MEMORY),
        ("processes of stopped runs", len(left), 0, not left),
        ("processes behind the manager", int(not gone), 0, gone),
    ]
    for what, found, limit, well in checks:
        print(f"{what:<34} {found:>10}   (limit {limit}){'' if well else '   NOT SO'}")
    return 0 if all(well for *_, well in checks) else 1


def compare(api: Api, events: Events, folder: Path) -> list[tuple[str, float, float, bool]]:
    """What is counted in several places."""
    rows = api.list()
    newest = max(event["seq"] for row in rows for event in api.call("GET", f"/api/pm/{row['id']}/events"))
    eventually(lambda: events.last >= newest)
    reasons, written = api.counted("pmtui_process_restarts_total"), api.counted("pmtui_process_log_bytes_total")
    told = [row["id"] for row in rows if row["restartCount"] != reasons[row["id"]]]
    heard = [row["id"] for row in rows if row["restartCount"] + 1 != events.starts[row["id"]]]
    for name in heard:
        restarts = next(row["restartCount"] for row in rows if row["id"] == name)
        print(f"  {name}: {restarts} restarts, {events.starts[name]} starts told:")
        print(*(f"    {line}" for line in events.story[name]), sep="\n")
    stored = [row["id"] for row in rows if kept(folder, row["id"]) != written[row["id"]]]
    return [
        ("restarts", sum(reasons.values()), sum(row["restartCount"] for row in rows), True),
        ("list and metrics differ", len(told), 0, not told),
        ("events missed", events.missed, 0, not events.missed),
        ("list and events differ", len(heard), 0, not heard),
        ("log bytes and files differ", len(stored), 0, not stored),
    ]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
