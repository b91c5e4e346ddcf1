"""A program that is run for a process beside it: a health check, an installation, a hook."""

import asyncio

import msgspec

from pmtui.logs.capture.bulk_reader import Sink
from pmtui.logs.capture.pipe_reader import Pump
from pmtui.spawner.client import Emptied, Exited, Launch, Report, Spawned, SpawnFailed
from pmtui.spawner.runs import Runs
from pmtui.supervisor.events import Exit
from pmtui.text.sanitize import plain

KEPT = 4096
"""Bytes of output that are remembered."""


class Outcome(msgspec.Struct, frozen=True):
    """How a program ended: `why` is empty after exit code 0; `lines` are the last it has printed."""

    why: str
    lines: list[str]


class Tail:
    """Remembers the end of what it is fed, and hands all of it on to another sink."""

    def __init__(self, to: Sink | None = None) -> None:
        self.data = b""
        self._to = to

    def feed(self, data: bytes) -> bool:
        self.data = (self.data + data)[-KEPT:]
        return self._to.feed(data) if self._to else True

    def may_come(self) -> bool:
        return self._to.may_come() if self._to else True

    def end(self) -> None:
        if self._to:
            self._to.end()

    def lines(self) -> list[str]:
        return [plain(line) for line in self.data.splitlines() if line.strip()]


class Errand:
    """Runs the program through the guardian, so that it ends with everything; `outcome` is set when all of it is gone.

    What it prints goes to `stdout` and `stderr`, or nowhere. `end` and `kill` may be called at any time.
    """

    def __init__(
        self, runs: Runs, pump: Pump, launch: Launch, stdout: Sink | None = None, stderr: Sink | None = None
    ) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._spawner = runs.spawner
        self._pump = pump
        self._tails = Tail(stdout), Tail(stderr)
        self._outputs: tuple[int, ...] = ()
        self._why = ""
        self._signal: int | None = None
        self._killed = False
        self._run = runs.number()
        runs.expect(self._run, self._report)
        self._spawner.spawn(self._run, launch)

    @property
    def lines(self) -> list[str]:
        """The last it has printed so far, on stderr if it wrote any there."""
        stdout, stderr = (tail.lines() for tail in self._tails)
        return stderr or stdout

    def end(self, number: int) -> None:
        """Asks the whole of it to end, by that signal."""
        self._signal = number
        self._spawner.terminate(self._run, number)

    def kill(self) -> None:
        self._killed = True
        self._spawner.kill(self._run)

    def _report(self, report: Report) -> None:
        match report:
            case Spawned():
                self._outputs = (report.stdout, report.stderr)
                for output, tail in zip(self._outputs, self._tails, strict=True):
                    self._pump.follow(output, tail)
                self._catch_up()
            case SpawnFailed():
                self._why = report.why
                self._conclude()
            case Exited():
                self._why = str(Exit(report.code)) if report.code else ""
            case Emptied():
                self._pump.finish(self._outputs, self._conclude)

    def _catch_up(self) -> None:
        """What was asked for before it was there."""
        if self._killed:
            self._spawner.kill(self._run)
        elif self._signal is not None:
            self._spawner.terminate(self._run, self._signal)

    def _conclude(self) -> None:
        if not self.outcome.done():
            self.outcome.set_result(Outcome(self._why, self.lines))


async def run_errand(errand: Errand) -> Outcome:
    """Returns when it is over; kills it when cancelled."""
    try:
        return await errand.outcome
    finally:
        if errand.outcome.cancelled():
            errand.kill()
