"""The figures of the manager and its processes in the text format of Prometheus, version 0.0.4."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from pmtui.api.loop_lag import BUCKET_BOUNDS, LoopLagMeter
from pmtui.control import ManagerInfo, ProcessCounters, Snapshot, Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One value, by its labels; `suffix` tells the parts of a histogram apart."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """All values of one name."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    samples: Sequence[Sample]


def metrics(about: ManagerInfo, rows: Sequence[Snapshot], figures: Sequence[ProcessCounters], lag: LoopLagMeter) -> str:
    """All that can be told, a line each."""
    return "".join(_lines([*_of_manager(about, lag), *_of_processes(rows), *_of_counts(figures)]))


def _of_manager(about: ManagerInfo, lag: LoopLagMeter) -> Iterator[Family]:
    yield Family("pmtui_manager_info", "gauge", "The manager.", [Sample({"version": about.version}, 1)])
    tasks = len(asyncio.all_tasks())
    yield Family("pmtui_manager_tasks", "gauge", "Tasks of asyncio in the manager's loop.", [_of(tasks)])
    yield Family("pmtui_config_errors", "gauge", "Errors in the config as it was read last.", [_of(len(about.errors))])
    counts = zip([*map(str, BUCKET_BOUNDS), "+Inf"], accumulate(lag.counts), strict=True)
    samples = [Sample({"le": bound}, count, "_bucket") for bound, count in counts]
    samples += [Sample({}, lag.total, "_sum"), Sample({}, sum(lag.counts), "_count")]
    text = "How late the manager's loop is, measured ten times a second while somebody asks."
    yield Family("pmtui_manager_loop_lag_seconds", "histogram", text, samples)


def _of_processes(rows: Sequence[Snapshot]) -> Iterator[Family]:
    def gauge(name: str, text: str, values: Iterable[float]) -> Family:
        samples = [Sample({"id": row.id}, value) for row, value in zip(rows, values, strict=True)]
        return Family(f"pmtui_process_{name}", "gauge", text, samples)

    yield gauge("up", "1 for a process that is running.", (row.status is Status.RUNNING for row in rows))
    yield Family(
        "pmtui_process_status",
        "gauge",
        "What a process is: 1 for the status it has, the others are left out.",
        [Sample({"id": row.id, "status": row.status}, 1) for row in rows],
    )
    yield gauge("cpu_cores", "CPU of the whole tree; 1 is one core.", (row.cpu / 100 for row in rows))
    yield gauge("resident_memory_bytes", "RSS of the whole tree.", (row.memory for row in rows))
    yield gauge(
        "uptime_seconds", "Age of the present run, 0 where there is none.", (row.uptime_seconds for row in rows)
    )
    yield gauge("failures", "Failures in a row.", (row.failures for row in rows))


def _of_counts(figures: Sequence[ProcessCounters]) -> Iterator[Family]:
    restarts = [
        Sample({"id": one.id, "reason": reason}, count) for one in figures for reason, count in one.restarts.items()
    ]
    yield Family("pmtui_process_restarts_total", "counter", "Starts after the first, by their reason.", restarts)
    written = [Sample({"id": one.id}, one.log_bytes) for one in figures]
    yield Family("pmtui_process_log_bytes_total", "counter", "Bytes that a process has written.", written)
    dropped = [Sample({"id": one.id}, one.log_bytes_dropped) for one in figures]
    text = "Bytes that are missing in the log files, because the disk did not take them."
    yield Family("pmtui_process_log_dropped_bytes_total", "counter", text, dropped)
    probed = [(one.id, one.probe) for one in figures if one.probe]
    taken = [Sample({"id": name}, probe.latency_ms / 1000) for name, probe in probed]
    yield Family("pmtui_process_probe_latency_seconds", "gauge", "How long the last health check took.", taken)
    passed = [Sample({"id": name}, probe.ok) for name, probe in probed]
    yield Family("pmtui_process_probe_success", "gauge", "1 where the last health check was passed.", passed)


def _lines(families: Iterable[Family]) -> Iterator[str]:
    for family in families:
        yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
        for labels, value, suffix in family.samples:
            yield f"{family.name}{suffix}{_in_braces(labels)} {float(value):.15g}\n"


def _in_braces(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _of(value: float) -> Sample:
    return Sample({}, value)
