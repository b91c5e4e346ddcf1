"""Processes in all states, with logs, over a FakeControl: what the pictures in the tests show.

`python -m tests.dashboard.scene` shows the same in the terminal, with logs that grow.
"""

import asyncio
import math
import sys
import time
from collections.abc import Iterator, Sequence

import msgspec

from pmtui.config.model import Condition
from pmtui.config.secrets import MASK
from pmtui.control import Detail, Edge, Graph, PastEvent, Reason, RunExit, Snapshot, Status, UsageHistory
from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.backend.log_source import BufferedLines
from pmtui.dashboard.log_view.lines import Line, Lines
from pmtui.dashboard.style.formats import epoch_seconds
from pmtui.logs.ring_buffer import RingBuffer
from tests.fake_control import NOON, FakeControl, snapshot

NOW = epoch_seconds(NOON)
MB = 1 << 20
REFUSED = "ConnectionRefusedError: [Errno 111] Connection refused (exit 1 after 0.8 s)"
MISSING = "ModuleNotFoundError: No module named 'pypdf' (exit 1 after 0.8 s)"
SAMPLE = (
    "INFO  listening on 0.0.0.0:8001",
    "GET /api/agents/7 200 12 ms",
    "\x1b[32mready\x1b[0m in 312 ms",
    "WARN  slow query: SELECT * FROM runs WHERE agent_id = 7 ORDER BY started_at DESC LIMIT 50 (812 ms)",
    "DEBUG cache miss agents:7",
    "POST /api/agents/7/run 202 41 ms",
    "ERROR connection refused: redis://127.0.0.1:6379, trying again in 2 s",
)


def edge(one: str, other: str, condition: Condition, why: str = "", *, forever: bool = False) -> Edge:
    return Edge(from_=one, to=other, condition=condition, met=not why, why=why, forever=forever)


EDGES = (
    edge("ai-agent", "db", "healthy"),
    edge("ai-agent", "migrate", "succeeded"),
    edge("migrate", "db", "healthy"),
    edge("api", "ai-agent", "started"),
    edge("mailer", "api", "healthy", "waits for api (healthy): it is running"),
    edge("mailer", "ai-agent", "started"),
    edge("playground", "mailer", "healthy", "waits for mailer (healthy): it is waiting"),
    edge("playground", "pdf-parser", "completed", "pdf-parser has failed: gave up after 10 tries", forever=True),
)


def past_event(process_id: str, to: Status, time: str, reason: str) -> PastEvent:
    return PastEvent(
        seq=1,
        id=process_id,
        from_=Status.RUNNING,
        to=to,
        reason=reason,
        time=time,
        exit_code=1,
        signal=None,
        last_words=[],
    )


class FakeLogs:
    """A ring of lines for each process."""

    def __init__(self) -> None:
        self.rings: dict[str, RingBuffer] = {}
        self.files: dict[str, list[Line]] = {}

    def ring(self, process_id: str) -> RingBuffer:
        return self.rings.setdefault(process_id, RingBuffer(process_id))

    def lines_of(self, ids: Sequence[str]) -> Sequence[Lines]:
        return [BufferedLines(self.ring(process_id)) for process_id in ids]

    def older_than(self, process_id: str, number: int) -> Iterator[Line]:
        return (line for line in reversed(self.files.get(process_id, [])) if line.position < number)

    def write(self, process_id: str, *texts: str | bytes, ms: int = int(NOW * 1000), run: int = 1) -> None:
        for text in texts:
            data = text if isinstance(text, bytes) else text.encode()
            stream = "stderr" if data.startswith((b"ERROR", b"Traceback", b"  File", b"Module")) else "stdout"
            self.ring(process_id).append(stream, run, ms, data + b"\n", 1)  # type: ignore[arg-type]


class SceneControl(FakeControl):
    """With exits and an environment worth looking at."""

    async def get(self, process_id: str) -> Detail:
        detail = await super().get(process_id)
        ended = RunExit(
            run=2,
            time="2026-11-20T11:58:52Z",
            code=1,
            signal=None,
            uptime_seconds=0.8,
            lines=["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'pypdf'"],
        )
        env = {"PATH": "/usr/local/bin:/usr/bin", "PORT": "8001", "OPENAI_API_KEY": MASK, "PMTUI_ID": process_id}
        config = detail.config | {"env": {"PORT": "8001", "OPENAI_API_KEY": MASK}}
        return msgspec.structs.replace(detail, exits=[ended], env=env, config=config)

    async def usage_history(
        self, process_id: str, since: str = "1h", until: str = "", points: int = 300
    ) -> UsageHistory:
        """An hour in which it crashed once, was down for five minutes, and was restarted by hand."""
        await super().usage_history(process_id, since, until, points)
        step = -(-3600 // points)
        places = [place * step / 3600 for place in range(-(-3600 // step))]
        down = [0.30 <= place < 0.38 for place in places]
        wave = [22 + 14 * math.sin(place * 40) + 5 * math.sin(place * 213) for place in places]
        return UsageHistory(
            since="2026-11-20T11:00:00Z",
            step=step,
            cpu=[None if gone else round(cpu, 1) for gone, cpu in zip(down, wave, strict=True)],
            memory=[
                None if gone else int((90 + 100 * ((place - 0.38) % 1 if place < 0.75 else place - 0.7)) * MB)
                for gone, place in zip(down, places, strict=True)
            ],
            latency=[None] * len(places),
            events=[
                past_event(process_id, Status.CRASHED, "2026-11-20T11:18:00Z", "exit 1 after 18m0s"),
                past_event(process_id, Status.STARTING, "2026-11-20T11:45:00Z", "user"),
            ],
        )

    async def graph(self) -> Graph:
        nodes = (await super().graph()).nodes
        ids = {node.id for node in nodes}
        edges = [edge for edge in EDGES if {edge.from_, edge.to} <= ids]
        return Graph(nodes=nodes, edges=edges, order=[])


def rows() -> list[Snapshot]:
    run = Status.RUNNING
    return [
        snapshot(
            "ai-agent",
            pid=4021,
            uptime_seconds=9041.0,
            restart_count=3,
            cpu=12.4,
            memory=150 * MB,
            health="healthy",
            ports=[8001],
            reason="watch: agent.py changed",
            restart_reason=Reason.WATCH,
            group="agents",
            command="python agent.py",
            line_rate=7.3,
            level="error",
        ),
        snapshot(
            "node-worker", pid=4022, uptime_seconds=9041.0, cpu=0.3, memory=48 * MB, group="agents", line_rate=0.4
        ),
        snapshot(
            "ingest",
            Status.CRASHED,
            restart_count=3,
            failures=3,
            max_retries=10,
            next_start="2026-11-20T12:00:04Z",
            reason=f"{REFUSED}, try 3 of 10",
            last_error=REFUSED,
        ),
        snapshot(
            "pdf-parser",
            Status.FAILED,
            restart_count=10,
            reason=MISSING,
            last_error=MISSING,
        ),
        snapshot(
            "api",
            pid=4030,
            cpu=34.0,
            memory=310 * MB,
            health="unhealthy",
            ports=[8080, 8443],
            group="web",
            level="warn",
        ),
        snapshot("frontend", Status.STARTING, pid=4031, stage="waiting-for-health", group="web"),
        snapshot("mailer", Status.WAITING, reason="waits for api to be healthy"),
        snapshot("old-worker", Status.STOPPING, pid=4019, memory=12 * MB, reason="stopped by user"),
        snapshot("migrate", Status.COMPLETED, reason="exit 0"),
        snapshot("playground", Status.STOPPED, reason="autostart is off"),
        snapshot("scheduler", pid=4040, uptime_seconds=200_000.0, cpu=0.0, memory=1300 * MB),
        snapshot("db", run, pid=4041, uptime_seconds=45.0, cpu=101.2, memory=2 << 30, health="healthy", ports=[5432]),
    ]


def scene() -> tuple[SceneControl, FakeLogs]:
    logs = FakeLogs()
    for number in range(60):
        logs.write("ai-agent", SAMPLE[number % len(SAMPLE)], ms=int(NOW * 1000) - (60 - number) * 137)
    logs.write(
        "pdf-parser",
        "starting pdf-parser 1.4",
        "Traceback (most recent call last):",
        '  File "/srv/agents/pdf_parser.py", line 3, in <module>',
        "ModuleNotFoundError: No module named 'pypdf'",
    )
    return SceneControl(*rows()), logs


async def grow(logs: FakeLogs, per_second: int) -> None:
    number = 0
    while True:
        await asyncio.sleep(1 / min(per_second, 20))
        for _ in range(max(1, per_second // 20)):
            number += 1
            text = f"{number} {SAMPLE[number % len(SAMPLE)]}"
            logs.write("ai-agent", text, ms=int(time.time() * 1000))


class Leaver:
    """Ends after a while, or at once when asked again."""

    def __init__(self) -> None:
        self.app: DashboardApp | None = None
        self.asked = 0

    def request_exit(self) -> None:
        self.asked += 1
        assert self.app is not None
        self.app.set_timer(0.1 if self.asked > 1 else 5, self.app.manager_ended)


class Showcase(DashboardApp):
    def on_mount(self) -> None:
        self.run_worker(grow(self.main.logs, int(sys.argv[1]) if sys.argv[1:] else 2))  # type: ignore[arg-type]


if __name__ == "__main__":
    control, logs = scene()
    owner = Leaver()
    owner.app = Showcase(control, logs, owner, clock=lambda: NOW)
    owner.app.run()
