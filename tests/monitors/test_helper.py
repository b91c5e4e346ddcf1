"""Programs that are run for a process beside it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.monitors.helper import HelperProcess, HelperResult, run_helper
from pmtui.spawner.client import Launch, Spawner
from tests.eventually import eventually_async, is_alive

pytestmark = pytest.mark.usefixtures("no_warnings")


@asynccontextmanager
async def errands() -> AsyncIterator[tuple[Spawner, PipeReader]]:
    spawner, pump = Spawner(), PipeReader(asyncio.get_running_loop())
    spawner.connect()
    try:
        yield spawner, pump
    finally:
        pump.close()
        await spawner.close()


def sh(line: str) -> Launch:
    return Launch(["/bin/sh", "-c", line], "/", dict(os.environ))


async def test_what_ends_well_has_no_why_and_its_last_words() -> None:
    async with errands() as (spawner, pump):
        assert await run_helper(HelperProcess(spawner, pump, sh("echo one; echo two"))) == HelperResult(
            "", ["one", "two"]
        )


async def test_a_failure_is_told_with_what_was_written_on_stderr() -> None:
    async with errands() as (spawner, pump):
        outcome = await run_helper(HelperProcess(spawner, pump, sh("echo out; echo wrong >&2; exit 3")))
        assert outcome == HelperResult("exit 3", ["wrong"])


async def test_what_cannot_be_executed_says_why() -> None:
    async with errands() as (spawner, pump):
        outcome = await run_helper(HelperProcess(spawner, pump, Launch(["/no/such"], "/", {})))
        assert outcome == HelperResult("No such file or directory: /no/such", [])


async def test_only_the_end_of_much_output_is_kept() -> None:
    async with errands() as (spawner, pump):
        outcome = await run_helper(HelperProcess(spawner, pump, sh("seq 100000")))
        assert outcome.lines[-1] == "100000"
        assert len(outcome.lines) < 1000


async def test_whoever_loses_patience_ends_the_whole_tree() -> None:
    async with errands() as (spawner, pump):
        errand = HelperProcess(spawner, pump, sh("setsid sleep 600 & echo $!; exec sleep 600"))
        task = asyncio.create_task(run_helper(errand))
        await eventually_async(lambda: errand.lines)
        task.cancel()
        (pid,) = map(int, errand.lines)
        await eventually_async(lambda: not is_alive(pid))
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_is_ended_before_it_is_there_ends_too() -> None:
    async with errands() as (spawner, pump):
        errand = HelperProcess(spawner, pump, sh("exec sleep 600"))
        errand.terminate(signal.SIGINT)
        assert (await errand.result).error == "SIGINT"


async def test_each_run_has_a_number_of_its_own() -> None:
    async with errands() as (spawner, pump):
        together = [HelperProcess(spawner, pump, sh(f"echo {number}")) for number in range(50)]
        outcomes = [await errand.result for errand in together]
        assert [outcome.lines for outcome in outcomes] == [[str(number)] for number in range(50)]
