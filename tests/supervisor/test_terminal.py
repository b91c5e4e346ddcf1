"""Terminals and input of processes that a manager runs."""

import asyncio
import fcntl
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from pmtui import Manager, ProcessConfig
from pmtui.control import ConflictError, Status, TerminalEvent, TerminalOutput, TerminalSize
from tests.eventually import DEADLINE, eventually_async, eventually_awaited
from tests.managed import managed, ready, running, sh, until

ECHO = "stty -echo; echo ready; while read -r line; do echo got $line $(stty size); done"
DEAF = "echo ready; exec sleep 600"


async def shown(manager: Manager, text: str) -> list[str]:
    async def found() -> list[str]:
        screen, _ = await manager.screen("a")
        return screen.lines if any(text in line for line in screen.lines) else []

    return await eventually_awaited(found)


async def printed(manager: Manager, text: bytes) -> None:
    """Wait for output. Unlike `shown`, this does not make the program draw its screen again."""
    feed = manager.supervisor.processes["a"].terminal.feed
    await eventually_async(lambda: text in b"".join(item for item in feed.tail() if isinstance(item, bytes)))


async def output_until(events: AsyncGenerator[TerminalEvent, None], text: bytes) -> bytes:
    found = b""
    async with asyncio.timeout(DEADLINE):
        async for event in events:
            if isinstance(event, TerminalOutput):
                found += event.data
                if text in found:
                    return found
    raise AssertionError(found)


async def test_what_is_typed_arrives_and_the_screen_shows_the_answer() -> None:
    async with managed(sh("a", ECHO, tty=True)) as manager:
        await shown(manager, "ready")
        await manager.send_input("a", b"hello\r")
        assert (await shown(manager, "got hello 24 80"))[:2] == ["ready", "got hello 24 80"]


async def test_a_viewer_gets_the_end_of_the_output_and_then_all_of_it() -> None:
    async with managed(sh("a", ECHO, tty=True)) as manager:
        await ready(manager)
        async with aclosing(await manager.terminal("a", "me")) as events:
            assert await anext(events) == TerminalSize(columns=80, rows=24)
            assert await anext(events) == TerminalOutput(run=1, data=b"ready\r\n", first=True)
            await manager.send_input("a", b"hello\r", viewer="me")
            await output_until(events, b"got hello 24 80\r\n")


async def test_a_new_run_begins_with_an_empty_screen_and_keeps_the_size() -> None:
    async with managed(sh("a", "stty size; exec sleep 600", tty=True)) as manager:
        await shown(manager, "24 80")
        async with aclosing(await manager.terminal("a", "me")) as events:
            await manager.resize("a", 100, 30, "me")
            await manager.restart("a")
            await output_until(events, b"30 100\r\n")
        assert (await shown(manager, "30 100"))[0] == "30 100"


async def test_the_first_viewer_decides_the_size_until_another_one_types() -> None:
    async with managed(sh("a", ECHO, tty=True)) as manager:
        await shown(manager, "ready")
        first, second = await manager.terminal("a", "first"), await manager.terminal("a", "second")
        async with aclosing(first), aclosing(second):
            await anext(first)
            await anext(second)
            await manager.resize("a", 100, 30, "first")
            await manager.resize("a", 120, 40, "second")
            await manager.send_input("a", b"1\r")
            await shown(manager, "got 1 30 100")
            await manager.send_input("a", b"2\r", viewer="second")
            await shown(manager, "got 2 40 120")
            await manager.resize("a", 90, 20, "first")
            await manager.send_input("a", b"3\r")
            await shown(manager, "got 3 40 120")
        await manager.send_input("a", b"4\r")
        await shown(manager, "got 4 40 120")


async def test_answers_of_a_terminal_count_only_from_who_decides_the_size() -> None:
    async with managed(sh("a", ECHO, tty=True)) as manager:
        await shown(manager, "ready")
        first, second = await manager.terminal("a", "first"), await manager.terminal("a", "second")
        async with aclosing(first), aclosing(second):
            await anext(first)
            await anext(second)
            await manager.send_input("a", b"second\r", viewer="second", is_answer=True)
            await manager.send_input("a", b"first\r", viewer="first", is_answer=True)
            lines = await shown(manager, "got first")
            assert not any("second" in line for line in lines)


async def test_the_screen_stays_after_the_end_and_input_is_refused() -> None:
    async with managed(sh("a", "echo bye", tty=True, restart="never")) as manager:
        await until(manager, lambda now: now.status is Status.COMPLETED)
        assert (await shown(manager, "bye"))[0] == "bye"
        with pytest.raises(ConflictError, match="is not running"):
            await manager.send_input("a", b"x")


async def test_a_terminal_that_nobody_reads_takes_what_it_can_hold() -> None:
    async with managed(sh("a", f"stty raw -echo; {DEAF}", tty=True)) as manager:
        await shown(manager, "ready")
        with pytest.raises(ConflictError, match="does not read its stdin") as caught:
            await manager.send_input("a", b"x" * 1_000_000)
        assert 0 < caught.value.data["written"] < 1_000_000


async def test_a_pipe_that_nobody_reads_takes_what_it_can_hold_and_delays_nothing() -> None:
    async with managed(sh("a", DEAF, stdin=True), sh("b", ECHO, tty=True)) as manager:
        room = pipe_bytes((await running(manager)).pid)
        await running(manager, "b")
        full = asyncio.create_task(manager.send_input("a", b"x" * (room + 1)))
        await asyncio.sleep(0)  # it has written what it can
        await manager.send_input("b", b"hello\r")
        assert not full.done()
        with pytest.raises(ConflictError, match=f"{room} of {room + 1} bytes") as caught:
            await full
        assert caught.value.data == {"written": room}


def pipe_bytes(pid: int) -> int:
    """Return what the stdin of a process can hold. Why: the kernel makes it smaller if the user has many pipes."""
    with open(f"/proc/{pid}/fd/0", "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as pipe:
        return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)


async def test_a_pipe_is_written_to_and_ended() -> None:
    code = "import sys; print(sys.stdin.read().upper())"
    config = ProcessConfig(id="a", command=sys.executable, args=["-c", code], stdin=True, restart="never")
    async with managed(config) as manager:
        await running(manager)
        await manager.send_input("a", b"hello ")
        await manager.send_input("a", b"world", end=True)
        await until(manager, lambda now: now.status is Status.COMPLETED)
        assert [line.text for line in await manager.logs("a")] == ["HELLO WORLD"]


@pytest.mark.parametrize("fields", [{}, {"stdin": "open"}])
async def test_there_is_nothing_to_write_to(fields: dict[str, object]) -> None:
    async with managed(sh("a", DEAF, **fields)) as manager:
        await running(manager)
        with pytest.raises(ConflictError, match="no stdin that can be written to"):
            await manager.send_input("a", b"x")


async def test_without_a_terminal_there_is_no_screen_and_no_size() -> None:
    async with managed(sh("a", DEAF, stdin=True)) as manager:
        await running(manager)
        for request in (manager.screen("a"), manager.resize("a", 80, 24), manager.terminal("a", "me")):
            with pytest.raises(ConflictError, match="has no terminal"):
                await request


async def test_a_flood_reaches_a_slow_viewer_in_part_and_modes_in_full() -> None:
    line = "printf '\\033[?1049h'; yes | head -c 3000000; printf 'the end\\r\\n'; exec sleep 600"
    async with managed(sh("a", line, tty=True)) as manager:
        async with aclosing(await manager.terminal("a", "me")) as events:
            await anext(events)
            await printed(manager, b"the end")
            found = await output_until(events, b"the end")
        assert b"\x1b[?1049h" in found
        assert len(found) < 1_000_000


FULL_SCREEN = """
import os, select, signal, tty

def draw(*_):
    os.write(1, b"\\x1b[Hdrawn with %d rows" % os.get_terminal_size().lines)

signal.signal(signal.SIGWINCH, draw)
tty.setraw(0)
os.write(1, b"\\x1b[?1049hready")
while True:
    if not select.select([0], [], [], 0.1)[0]:  # a signal just before a read would wait for its end
        continue
    os.read(0, 1)
    for _ in range(40):
        os.write(1, b"\\x1b[Hlost" * 10_000)
    os.write(1, b"\\x1b[2Hthe end")
"""
"""Draws its screen only for another size."""


async def test_a_full_screen_program_draws_again_after_a_flood_that_a_viewer_got_in_part() -> None:
    config = ProcessConfig(id="a", command=sys.executable, args=["-c", FULL_SCREEN], tty=True)
    async with managed(config) as manager:
        await shown(manager, "ready")
        async with aclosing(await manager.terminal("a", "me")) as events:
            await output_until(events, b"ready")
            await manager.send_input("a", b"x")
            await printed(manager, b"the end")  # a viewer who is slow loses some of it
            await output_until(events, b"drawn with 24 rows")


async def test_a_full_screen_program_draws_again_for_a_viewer_who_comes_late() -> None:
    config = ProcessConfig(id="a", command=sys.executable, args=["-c", FULL_SCREEN], tty=True)
    async with managed(config) as manager:
        await shown(manager, "ready")
        await manager.send_input("a", b"x")
        await printed(manager, b"the end")
        async with aclosing(await manager.terminal("a", "me")) as events:
            await output_until(events, b"the end")
            await manager.resize("a", 80, 24, "me")
            await output_until(events, b"drawn with 24 rows")


async def test_output_of_a_terminal_is_logged_whole() -> None:
    async with managed(sh("a", "seq 100000", tty=True, restart="never")) as manager:
        await until(manager, lambda now: now.status is Status.COMPLETED)
        lines = await manager.logs("a", lines=1)
        assert [(line.seq, line.text) for line in lines] == [(100_000, "100000")]


async def test_the_terminal_hangs_up_once_the_stop_timeout_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.supervisor.process.HANG_UP_DELAY", DEADLINE)
    line = "trap '' TERM; trap 'echo hung up; exit 0' HUP; echo ready; while :; do sleep 0.05; done"
    async with managed(sh("a", line, tty=True, stop_timeout=0.2)) as manager:
        await shown(manager, "ready")
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
        assert "hung up" in [entry.text for entry in await manager.logs("a")]


async def test_what_ignores_the_hang_up_is_killed() -> None:
    line = "trap '' TERM HUP; echo ready; while :; do sleep 0.05; done"
    async with managed(sh("a", line, tty=True, stop_timeout=0.2)) as manager:
        await shown(manager, "ready")
        await manager.stop("a")
        now = await until(manager, lambda now: now.status is Status.STOPPED)
        assert now.signal == "SIGKILL"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run processes as another user")
async def test_the_terminal_belongs_to_the_user_of_the_process() -> None:
    line = "stat -c %U $(tty); echo opened > /dev/tty; exec sleep 600"
    async with managed(sh("a", line, tty=True, user="nobody", cwd="/")) as manager:
        assert (await shown(manager, "opened"))[:2] == ["nobody", "opened"]
