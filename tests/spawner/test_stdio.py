"""Workers with a terminal, or with a pipe as stdin, under the real guardian."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pmtui.spawner.client import Launch, WorkerExited, WorkerSpawned, WorkerTreeExited
from pmtui.spawner.run_table import HANG_UP_DELAY
from pmtui.spawner.stdio import StdinKind, set_size
from tests.eventually import DEADLINE, eventually_async, eventually_awaited, is_alive
from tests.spawner.test_client import Desk


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.close()


async def spawn(desk: Desk, code: str, stdin: StdinKind, **options: object) -> WorkerSpawned:
    launch = Launch([sys.executable, "-S", "-c", code], "/", dict(os.environ), options, stdin)
    desk.request(1, launch)
    report = await desk.next()
    assert isinstance(report, WorkerSpawned), report
    return report


async def read(spawned: WorkerSpawned, until: bytes = b"\n") -> bytes:
    """Read the output up to these bytes."""
    found = b""

    def complete() -> bool:
        nonlocal found
        with contextlib.suppress(BlockingIOError):
            found += os.read(spawned.outputs[0], 65536)
        return until in found

    await eventually_async(complete)
    return found


async def rest_of(spawned: WorkerSpawned) -> bytes:
    """Read the output to its end."""
    found = b""

    def is_at_end() -> bool:
        nonlocal found
        try:
            data = os.read(spawned.outputs[0], 65536)
        except BlockingIOError:
            return False
        except OSError:  # so ends a terminal
            return True
        found += data
        return not data

    await eventually_async(is_at_end)
    return found


async def test_a_terminal_is_stdin_stdout_stderr_and_the_controlling_terminal(desk: Desk) -> None:
    code = (
        "import os; tty = os.open('/dev/tty', os.O_RDWR); names = {os.ttyname(fd) for fd in (0, 1, 2)};"
        "print(len(names), os.getsid(0) == os.getpid() == os.tcgetpgrp(tty), *os.get_terminal_size())"
    )
    spawned = await spawn(desk, code, "terminal")
    assert len(spawned.outputs) == 1
    assert await read(spawned) == b"1 True 80 24\r\n"
    assert await desk.next() == WorkerExited(1, 0)
    assert await desk.next() == WorkerTreeExited(1, [])
    with pytest.raises(OSError, match="Input/output error"):
        os.read(spawned.outputs[0], 1)


async def test_a_terminal_starts_with_the_usual_modes(desk: Desk) -> None:
    code = (
        "import termios as t; i, o, c, l, *_ = t.tcgetattr(0);"
        "print(bool(i & t.ICRNL and i & 0o40000 and o & t.ONLCR and l & t.ICANON and l & t.ECHO and l & t.ISIG))"
    )
    assert await read(await spawn(desk, code, "terminal")) == b"True\r\n"


async def test_what_is_written_is_typed_and_control_c_interrupts(desk: Desk) -> None:
    code = "print(input('name? '))\ntry: input('again? ')\nexcept KeyboardInterrupt: print('interrupted')"
    spawned = await spawn(desk, code, "terminal")
    assert spawned.stdin is not None
    await read(spawned, b"name? ")
    os.write(spawned.stdin, b"Ada\r")
    assert await read(spawned, b"again? ") == b"Ada\r\nAda\r\nagain? "
    os.write(spawned.stdin, b"\x03")
    assert (await read(spawned)).endswith(b"interrupted\r\n")


async def test_a_new_size_is_announced(desk: Desk) -> None:
    code = (
        "import os, signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH}); print('ready', flush=True);"
        "signal.sigwait({signal.SIGWINCH}); print(*os.get_terminal_size())"
    )
    spawned = await spawn(desk, code, "terminal")
    await read(spawned)
    set_size(spawned.outputs[0], 160, 48)
    assert await read(spawned) == b"160 48\r\n"


async def test_output_before_the_end_is_complete(desk: Desk) -> None:
    spawned = await spawn(desk, "print('x' * 50_000 + 'end')", "terminal")
    assert len(await read(spawned, b"end\r\n")) == 50_000 + len("end\r\n")


CHILD = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, {handler})
if os.fork() == 0:
    os.setpgid(0, 0)
    print("child", os.getpid(), flush=True)
    while True:  # a signal just before a pause is handled after it
        time.sleep(0.1)
sys.stdin.readline()
"""


async def outlived(desk: Desk, handler: str) -> tuple[WorkerSpawned, float]:
    """Let a child with this handler of SIGHUP outlive the main process; return also the seconds until it has ended."""
    spawned = await spawn(desk, CHILD.format(handler=handler), "terminal")
    child = int((await read(spawned)).split()[1])
    assert spawned.stdin is not None
    began = time.monotonic()
    os.write(spawned.stdin, b"\n")
    assert await desk.next() == WorkerExited(1, 0)
    assert await desk.next() == WorkerTreeExited(1, [])
    assert not is_alive(child)
    return spawned, time.monotonic() - began


async def test_the_terminal_hangs_up_for_what_outlives_the_main_process(desk: Desk) -> None:
    """The child has a second to say so, which may be too short for it on a busy machine, but not always."""

    async def hangs_up() -> bool:
        spawned, _ = await outlived(desk, "lambda *_: (print('hung up', flush=True), os._exit(0))")
        return b"hung up" in await rest_of(spawned)

    await eventually_awaited(hangs_up)


async def test_what_ignores_the_hang_up_is_killed_a_second_later(desk: Desk) -> None:
    _, seconds = await outlived(desk, "signal.SIG_IGN")
    assert seconds >= HANG_UP_DELAY


async def test_a_pipe_can_be_written_to_and_closed(desk: Desk) -> None:
    spawned = await spawn(desk, "import sys; print(sys.stdin.isatty(), sys.stdin.read())", "pipe")
    assert spawned.stdin is not None
    os.write(spawned.stdin, b"hello")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(desk.reports.get(), 0.1)
    os.close(spawned.stdin)
    assert await desk.next() == WorkerExited(1, 0)
    assert await read(spawned) == b"False hello\n"
    desk.descriptors.remove(spawned.stdin)


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    time.sleep(600)
sys.exit({code})
"""


async def test_what_a_detached_run_leaves_behind_lives_until_it_is_asked_to_end(desk: Desk) -> None:
    spawned = await spawn(desk, DAEMON.format(code=0), "null", detached=True)
    daemon = int(await read(spawned))
    assert await desk.next() == WorkerExited(1, 0)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(desk.reports.get(), 0.2)
    assert is_alive(daemon)
    desk.spawner.terminate(1, 15)
    assert await asyncio.wait_for(desk.reports.get(), DEADLINE) == WorkerTreeExited(1, [])
    assert not is_alive(daemon)


async def test_a_detached_run_of_which_nothing_is_left_ends_when_it_is_asked_to(desk: Desk) -> None:
    await spawn(desk, "", "null", detached=True)
    assert await desk.next() == WorkerExited(1, 0)
    desk.spawner.terminate(1, 0)
    assert await desk.next() == WorkerTreeExited(1, [])


async def test_a_detached_run_that_failed_leaves_nothing(desk: Desk) -> None:
    spawned = await spawn(desk, DAEMON.format(code=3), "null", detached=True)
    assert await desk.next() == WorkerExited(1, 3)
    assert await desk.next() == WorkerTreeExited(1, [])
    assert not (daemon := (await rest_of(spawned)).strip()) or not is_alive(int(daemon))
