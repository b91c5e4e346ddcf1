import re

import httpx

from pmtui.api.loop_lag import LoopLagMeter
from pmtui.api.metrics import metrics
from pmtui.control import ProbeResult, Status
from tests.fake_control import NOON, FakeControl, snapshot

SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="([^"\\]|\\[\\"n])*"(,[a-z]+="([^"\\]|\\[\\"n])*")*\})? [0-9.e+-]+')


async def test_they_cover_a_process(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.rows = {"web": snapshot("web", failures=3)}
    control.probe = ProbeResult(time=NOON, ok=True, latency_ms=12.5, message="200")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert [line for line in answer.text.splitlines() if line.startswith("pmtui_process")] == [
        'pmtui_process_up{id="web"} 1',
        'pmtui_process_status{id="web",status="running"} 1',
        'pmtui_process_cpu_cores{id="web"} 0.015',
        'pmtui_process_resident_memory_bytes{id="web"} 52428800',
        'pmtui_process_uptime_seconds{id="web"} 60',
        'pmtui_process_failures{id="web"} 3',
        'pmtui_process_restarts_total{id="web",reason="crash"} 2',
        'pmtui_process_restarts_total{id="web",reason="exit"} 0',
        'pmtui_process_restarts_total{id="web",reason="user"} 0',
        'pmtui_process_restarts_total{id="web",reason="watch"} 0',
        'pmtui_process_restarts_total{id="web",reason="memory"} 0',
        'pmtui_process_restarts_total{id="web",reason="health"} 0',
        'pmtui_process_restarts_total{id="web",reason="config"} 0',
        'pmtui_process_restarts_total{id="web",reason="dependency"} 0',
        'pmtui_process_restarts_total{id="web",reason="schedule"} 0',
        'pmtui_process_restarts_total{id="web",reason="catchUp"} 0',
        'pmtui_process_restarts_total{id="web",reason="deadline"} 0',
        'pmtui_process_log_bytes_total{id="web"} 1048576',
        'pmtui_process_log_dropped_bytes_total{id="web"} 512',
        'pmtui_process_probe_latency_seconds{id="web"} 0.0125',
        'pmtui_process_probe_success{id="web"} 1',
    ]


async def test_they_include_the_loop_lag(client: httpx.AsyncClient) -> None:
    lines = [line for line in (await client.get("/metrics")).text.splitlines() if "loop_lag_seconds" in line]
    assert lines[1] == "# TYPE pmtui_manager_loop_lag_seconds histogram"
    assert [line.partition(" ")[0] for line in lines[-3:]] == [
        'pmtui_manager_loop_lag_seconds_bucket{le="+Inf"}',
        "pmtui_manager_loop_lag_seconds_sum",
        "pmtui_manager_loop_lag_seconds_count",
    ]
    counts = [int(line.rpartition(" ")[2]) for line in lines[2:-2]]
    assert counts == sorted(counts)
    assert counts[-1] == int(lines[-1].rpartition(" ")[2]) > 0


async def test_every_line_has_the_prometheus_format(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    assert text.endswith("\n")
    for line in text.splitlines():
        assert re.match("# (HELP|TYPE) pmtui_", line) or SAMPLE.fullmatch(line), line


async def test_special_characters_are_escaped(control: FakeControl) -> None:
    row = snapshot('a"b\\c\nd', Status.FAILED)
    text = metrics(await control.about(), [row], [], LoopLagMeter())
    assert 'pmtui_process_up{id="a\\"b\\\\c\\nd"} 0\n' in text


async def test_they_work_without_processes(client: httpx.AsyncClient, control: FakeControl) -> None:
    control.rows.clear()
    assert 'pmtui_manager_info{version="0.1.0"} 1\n' in (await client.get("/metrics")).text
