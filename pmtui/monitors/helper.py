"""Run a program beside a process: a health check, an installation, a hook."""

import asyncio
from collections.abc import Sequence

import msgspec

from pmtui.logs.capture.bulk_reader import Sink
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.spawner.client import (
    Launch,
    Report,
    Spawner,
    WorkerExited,
    WorkerSpawned,
    WorkerSpawnFailed,
    WorkerTreeExited,
)
from pmtui.supervisor.events import ExitStatus
from pmtui.text.sanitize import strip_escapes

MAX_TAIL_BYTES = 4096
"""Bytes of output that are kept."""


class HelperResult(msgspec.Struct, frozen=True):
    """How a program ended: `error` is empty after exit code 0; `lines` are the last of its output."""

    error: str
    lines: list[str]

    def failure(self) -> str:
        """How it failed, and its own reason for that; empty after exit code 0."""
        from pmtui.logs.failures.reason import failure_reason  # only once something fails

        reason = failure_reason([("stderr", line) for line in self.lines]) if self.error else ""
        return f"{self.error}: {reason}" if reason else self.error


class OutputTail:
    """Keeps the end of the output, and passes all of it to another sink."""

    def __init__(self, target: Sink | None = None) -> None:
        self.data = b""
        self._target = target

    def feed(self, data: bytes) -> bool:
        self.data = (self.data + data)[-MAX_TAIL_BYTES:]
        return self._target.feed(data) if self._target else True

    def has_room(self) -> bool:
        return self._target.has_room() if self._target else True

    def feed_eof(self) -> None:
        if self._target:
            self._target.feed_eof()

    def lines(self) -> list[str]:
        return [strip_escapes(line) for line in self.data.splitlines() if line.strip()]


class HelperProcess:
    """Runs a program through the guardian, which leaves nothing of it behind. `result` is set when its tree is gone.

    Output goes to `stdout` and `stderr`, or nowhere. `terminate` and `kill` may be called at any time.
    """

    def __init__(
        self,
        spawner: Spawner,
        pipe_reader: PipeReader,
        launch: Launch,
        stdout: Sink | None = None,
        stderr: Sink | None = None,
    ) -> None:
        self.result: asyncio.Future[HelperResult] = asyncio.get_running_loop().create_future()
        self._spawner = spawner
        self._pipe_reader = pipe_reader
        self._tails = OutputTail(stdout), OutputTail(stderr)
        self._outputs: Sequence[int] = ()
        self._error = ""
        self._signal: int | None = None
        self._killed = False
        self._run = spawner.new_run()
        spawner.spawn(self._run, launch, self._report)

    @property
    def lines(self) -> list[str]:
        """The last lines so far: of stderr, or else of stdout."""
        stdout, stderr = (tail.lines() for tail in self._tails)
        return stderr or stdout

    @property
    def error_lines(self) -> list[str]:
        """The last lines of stderr so far."""
        return self._tails[1].lines()

    def terminate(self, number: int) -> None:
        """Send the signal to the whole tree."""
        self._signal = number
        self._spawner.terminate(self._run, number)

    def kill(self) -> None:
        self._killed = True
        self._spawner.kill(self._run)

    def _report(self, report: Report) -> None:
        match report:
            case WorkerSpawned():
                self._outputs = report.outputs
                for output, tail in zip(self._outputs, self._tails, strict=True):
                    self._pipe_reader.follow(output, tail)
                self._resend_requests()
            case WorkerSpawnFailed():
                self._error = report.error
                self._finish()
            case WorkerExited():
                self._error = str(ExitStatus(report.code)) if report.code else ""
            case WorkerTreeExited():
                self._pipe_reader.finish(self._outputs, self._finish)

    def _resend_requests(self) -> None:
        """Repeat what was requested before the program was spawned."""
        if self._killed:
            self._spawner.kill(self._run)
        elif self._signal is not None:
            self._spawner.terminate(self._run, self._signal)

    def _finish(self) -> None:
        if not self.result.done():
            self.result.set_result(HelperResult(self._error, self.lines))


async def run_helper(helper: HelperProcess) -> HelperResult:
    """Wait for the result; kill the program if cancelled."""
    try:
        return await helper.result
    finally:
        if helper.result.cancelled():
            helper.kill()
