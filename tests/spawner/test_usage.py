"""CPU, memory and ports of real trees."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pmtui.spawner.client import Launch, Report, Spawner, WorkerSpawned
from pmtui.spawner.procfs import ProcessStat, cpu_clock, parent_of, read_stat
from pmtui.spawner.usage import (
    MAX_REUSES,
    NO_USAGE,
    TreeTotal,
    UsageReading,
    UsageSampler,
    listening_ports,
    ports_of,
)
from tests.eventually import eventually_async, eventually_awaited

TREE = "import os, time\nx = bytearray(30 << 20)\nos.fork()\nx[::4096] = bytes(len(x[::4096]))\ntime.sleep(600)"


@pytest_asyncio.fixture
async def run() -> AsyncIterator[tuple[Spawner, int]]:
    """A process of over 30 MB and its child of the same size."""
    spawner = Spawner()
    reports: list[Report] = []
    spawner.connect()
    spawner.spawn(7, Launch([sys.executable, "-S", "-c", TREE], "/", dict(os.environ)), reports.append)
    await eventually_async(lambda: reports)
    yield spawner, 7
    await spawner.close()
    (spawned,) = (report for report in reports if isinstance(report, WorkerSpawned))
    os.close(spawned.outputs[0])
    os.close(spawned.outputs[1])


async def test_memory_is_summed_over_the_run(run: tuple[Spawner, int]) -> None:
    spawner, number = run
    sampler = UsageSampler(spawner.base)

    async def memory() -> bool:
        await sampler.refresh([number])
        return sampler.usage_of(number).memory > 60 << 20

    await eventually_awaited(memory)
    sampler.stop()


def test_cpu_is_measured_between_two_readings() -> None:
    before, after = (UsageReading(at, {7: TreeTotal(cpu, 0, 1.0, [])}) for at, cpu in ((10.0, 3.0), (12.0, 4.0)))
    assert after.cpu_percent(7, before) == 50.0


async def test_an_unknown_run_has_no_usage(run: tuple[Spawner, int]) -> None:
    sampler = UsageSampler(run[0].base)
    await sampler.refresh([])
    assert sampler.usage_of(99) == NO_USAGE
    sampler.stop()


async def test_simultaneous_requests_share_one_sample(
    run: tuple[Spawner, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner, number = run
    monkeypatch.setattr("pmtui.spawner.usage.SAMPLE_INTERVAL", 600.0)  # only what is requested is sampled
    sampler = UsageSampler(spawner.base)
    await asyncio.gather(*(sampler.refresh([number]) for _ in range(50)))
    assert sampler.samples <= 2
    sampler.stop()


def test_a_listening_socket_is_found_by_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port in listening_ports().values()
        assert port in ports_of([os.getpid()], listening_ports())


def test_a_file_closed_during_the_reading_hides_no_port() -> None:
    """Such as the one by which the files of this very process are listed, which gets the lowest free number."""
    free = os.open(os.devnull, os.O_RDONLY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        os.close(free)
        assert server.getsockname()[1] in ports_of([os.getpid()], listening_ports())


def test_a_connection_is_not_a_listening_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getsockname()[1] not in ports_of([os.getpid()], listening_ports())


def test_a_process_that_is_gone_has_no_ports() -> None:
    assert ports_of([2**22], listening_ports()) == ()  # more than any kernel gives


async def test_a_process_that_waits_is_not_read_again_and_one_that_ran_is(
    run: tuple[Spawner, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner, number = run
    sampler = UsageSampler(spawner.base)
    read: list[int] = []

    def read_and_note(pid: int) -> ProcessStat | None:
        read.append(pid)
        return read_stat(pid)

    monkeypatch.setattr("pmtui.spawner.usage.read_stat", read_and_note)
    pids = await eventually_awaited(lambda: idle_pids(sampler, number, read))
    readings = [await asyncio.to_thread(sampler._read) for _ in range(MAX_REUSES)]
    assert sorted(pid for pid in read if pid in pids) == sorted(pids)  # once in so many readings
    assert min(reading.totals[number].memory for reading in readings) > 60 << 20
    os.kill(next(pid for pid in pids if parent_of(pid) in pids), signal.SIGKILL)
    await eventually_awaited(lambda: has_less_memory(sampler, number, readings[0].totals[number].memory))


async def idle_pids(sampler: UsageSampler, run: int, read: list[int]) -> list[int]:
    """The two processes of the run, once both wait with all their memory; forgets what was read until then."""
    totals = (await asyncio.to_thread(sampler._read)).totals
    pids = totals[run].pids if run in totals else []
    before = [cpu_clock(pid) for pid in pids]
    await asyncio.sleep(0.1)
    stats = [read_stat(pid) for pid in pids]
    is_idle = len(pids) == 2 and totals[run].memory > 60 << 20 and [cpu_clock(pid) for pid in pids] == before
    await asyncio.to_thread(sampler._read)
    read.clear()
    return pids if is_idle and all(stat and stat.state == b"S" for stat in stats) else []


async def has_less_memory(sampler: UsageSampler, run: int, memory: int) -> bool:
    return (await asyncio.to_thread(sampler._read)).totals[run].memory < memory - (20 << 20)
