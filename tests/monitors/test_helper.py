"""Programs that run beside a process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.monitors.helper import HelperProcess, HelperResult, run_helper
from pmtui.spawner.client import Launch, Spawner
from tests.eventually import DEADLINE, eventually_async, is_alive

pytestmark = pytest.mark.usefixtures("no_warnings")


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Spawner, PipeReader]]:
    spawner, pipe_reader = Spawner(), PipeReader(asyncio.get_running_loop())
    spawner.connect()
    try:
        yield spawner, pipe_reader
    finally:
        pipe_reader.close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pmtui.spawner.client.EXIT_TIMEOUT", DEADLINE)
            await spawner.close()


def sh(line: str) -> Launch:
    return Launch(["/bin/sh", "-c", line], "/", dict(os.environ))


async def test_success_has_no_error_and_the_last_lines() -> None:
    async with connected() as (spawner, pipe_reader):
        assert await run_helper(HelperProcess(spawner, pipe_reader, sh("echo one; echo two"))) == HelperResult(
            "", ["one", "two"]
        )


async def test_a_failure_has_the_last_lines_of_stderr() -> None:
    async with connected() as (spawner, pipe_reader):
        outcome = await run_helper(HelperProcess(spawner, pipe_reader, sh("echo out; echo wrong >&2; exit 3")))
        assert outcome == HelperResult("exit 3", ["wrong"])


async def test_a_program_that_cannot_be_executed_says_why() -> None:
    async with connected() as (spawner, pipe_reader):
        outcome = await run_helper(HelperProcess(spawner, pipe_reader, Launch(["/no/such"], "/", {})))
        assert outcome == HelperResult("No such file or directory: /no/such", [])


async def test_only_the_end_of_much_output_is_kept() -> None:
    async with connected() as (spawner, pipe_reader):
        outcome = await run_helper(HelperProcess(spawner, pipe_reader, sh("seq 100000")))
        assert outcome.lines[-1] == "100000"
        assert len(outcome.lines) < 1000


async def test_a_cancelled_wait_kills_the_whole_tree() -> None:
    async with connected() as (spawner, pipe_reader):
        errand = HelperProcess(spawner, pipe_reader, sh("setsid sleep 600 & echo $!; exec sleep 600"))
        task = asyncio.create_task(run_helper(errand))
        await eventually_async(lambda: errand.lines)
        task.cancel()
        (pid,) = map(int, errand.lines)
        await eventually_async(lambda: not is_alive(pid))
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_program_terminated_before_its_spawn_ends_too() -> None:
    async with connected() as (spawner, pipe_reader):
        errand = HelperProcess(spawner, pipe_reader, sh("exec sleep 600"))
        errand.terminate(signal.SIGINT)
        assert (await errand.result).error == "SIGINT"


async def test_each_run_has_its_own_number() -> None:
    async with connected() as (spawner, pipe_reader):
        together = [HelperProcess(spawner, pipe_reader, sh(f"echo {number}")) for number in range(50)]
        outcomes = [await errand.result for errand in together]
        assert [outcome.lines for outcome in outcomes] == [[str(number)] for number in range(50)]
