"""Real pipes with real writers."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.store import LogStore, ProcessLog
from tests.eventually import DEADLINE

BARE = LogSettings(timestamps=False)


def pipe() -> tuple[int, int]:
    """Return a read end for the pipe reader, and a write end."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    return reading, writing


def is_open(fd: int, opened: os.stat_result) -> bool:
    """Return whether the descriptor still is what was opened: once closed, its number may be that of another file."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(fd), opened)
    return False


def start(*argv: str, stdout: int, stderr: int | None = None) -> subprocess.Popen[bytes]:
    """Start a real process, and pass the write ends to it."""
    child = subprocess.Popen(argv, stdout=stdout, stderr=stderr)
    os.close(stdout)
    if stderr is not None:
        os.close(stderr)
    return child


async def run_python(log: ProcessLog, pipe_reader: PipeReader, code: str, *args: str) -> None:
    """Run a Python program to its end, with its output followed and finished as the supervisor does it."""
    (out, out_end), (err, err_end) = pipe(), pipe()
    pipe_reader.follow(out, log.sink("stdout"))
    pipe_reader.follow(err, log.sink("stderr"))
    child = start(sys.executable, "-c", code, *args, stdout=out_end, stderr=err_end)
    await asyncio.to_thread(child.wait)
    done = asyncio.Event()
    pipe_reader.finish([out, err], done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)


def fed(store: LogStore, process_id: str, *chunks: bytes, settings: LogSettings = BARE) -> ProcessLog:
    """Return a log whose first run wrote these chunks to stdout and ended."""
    log = store.open(process_id, settings)
    log.start_run(1)
    sink = log.sink("stdout")
    for chunk in chunks:
        sink.feed(chunk)
    sink.feed_eof()
    return log


def contents(paths: Sequence[Path]) -> bytes:
    return b"".join(path.read_bytes() for path in paths)
