"""Metrics of the manager and its processes in the Prometheus text format, version 0.0.4."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from pmtui.api.loop_lag import BUCKET_BOUNDS, LoopLagMeter
from pmtui.control import ManagerInfo, ProcessCounters, Snapshot, Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One value. `suffix` names a part of a histogram, such as `_bucket`."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """All samples of one metric."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    samples: Sequence[Sample]


def metrics(about: ManagerInfo, rows: Sequence[Snapshot], figures: Sequence[ProcessCounters], lag: LoopLagMeter) -> str:
    return "".join(_lines([*_of_manager(about, lag), *_of_processes(rows), *_of_counts(figures)]))


def _of_manager(about: ManagerInfo, lag: LoopLagMeter) -> Iterator[Family]:
    yield Family("pmtui_manager_info", "gauge", "Version of the manager.", [Sample({"version": about.version}, 1)])
    tasks = len(asyncio.all_tasks())
    yield Family("pmtui_manager_tasks", "gauge", "Number of asyncio tasks in the manager's event loop.", [_of(tasks)])
    yield Family(
        "pmtui_config_errors", "gauge", "Number of errors in the config as last read.", [_of(len(about.errors))]
    )
    counts = zip([*map(str, BUCKET_BOUNDS), "+Inf"], accumulate(lag.counts), strict=True)
    samples = [Sample({"le": bound}, count, "_bucket") for bound, count in counts]
    samples += [Sample({}, lag.total, "_sum"), Sample({}, sum(lag.counts), "_count")]
    text = "Lag of the manager's event loop, measured ten times a second while metrics are requested."
    yield Family("pmtui_manager_loop_lag_seconds", "histogram", text, samples)


def _of_processes(rows: Sequence[Snapshot]) -> Iterator[Family]:
    def gauge(name: str, text: str, values: Iterable[float]) -> Family:
        samples = [Sample({"id": row.id}, value) for row, value in zip(rows, values, strict=True)]
        return Family(f"pmtui_process_{name}", "gauge", text, samples)

    yield gauge("up", "1 if the process is running, else 0.", (row.status is Status.RUNNING for row in rows))
    yield Family(
        "pmtui_process_status",
        "gauge",
        "Status of the process: 1 for the current one; others are omitted.",
        [Sample({"id": row.id, "status": row.status}, 1) for row in rows],
    )
    yield gauge("cpu_cores", "CPU usage of the process tree; 1 is one core.", (row.cpu / 100 for row in rows))
    yield gauge("resident_memory_bytes", "Resident memory of the process tree.", (row.memory for row in rows))
    yield gauge("uptime_seconds", "Age of the current run, 0 if there is none.", (row.uptime_seconds for row in rows))
    yield gauge("failures", "Consecutive failures.", (row.failures for row in rows))


def _of_counts(figures: Sequence[ProcessCounters]) -> Iterator[Family]:
    restarts = [
        Sample({"id": one.id, "reason": reason}, count) for one in figures for reason, count in one.restarts.items()
    ]
    yield Family("pmtui_process_restarts_total", "counter", "Starts after the first, by reason.", restarts)
    written = [Sample({"id": one.id}, one.log_bytes) for one in figures]
    yield Family("pmtui_process_log_bytes_total", "counter", "Bytes of output.", written)
    dropped = [Sample({"id": one.id}, one.log_bytes_dropped) for one in figures]
    text = "Bytes missing in the log files because they could not be written."
    yield Family("pmtui_process_log_dropped_bytes_total", "counter", text, dropped)
    probed = [(one.id, one.probe) for one in figures if one.probe]
    taken = [Sample({"id": name}, probe.latency_ms / 1000) for name, probe in probed]
    yield Family("pmtui_process_probe_latency_seconds", "gauge", "Duration of the last health check.", taken)
    passed = [Sample({"id": name}, probe.ok) for name, probe in probed]
    yield Family("pmtui_process_probe_success", "gauge", "1 if the last health check succeeded, else 0.", passed)


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
