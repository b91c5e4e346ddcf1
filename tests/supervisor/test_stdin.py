"""What a process gets as stdin, by its config."""

import sys

from pmtui import ProcessConfig
from pmtui.control import Status
from tests.managed import managed, ready, running, sh, texts, until

READER = "import sys; print(sys.stdin.isatty(), flush=True); sys.stdin.read(); print('end', flush=True)"


def reader(**fields: object) -> ProcessConfig:
    return sh("a", f'exec {sys.executable} -c "{READER}"', restart="never", **fields)


async def test_stdin_is_empty_by_default() -> None:
    async with managed(reader()) as manager:
        await until(manager, lambda now: now.status is Status.COMPLETED)
        assert await texts(manager) == ["False", "end"]


async def test_an_open_stdin_has_no_end() -> None:
    async with managed(reader(stdin="open")) as manager:
        await running(manager)
        process = manager.supervisor.processes["a"]
        await ready(manager)
        assert process.input
        assert not process.input.is_terminal
        assert await texts(manager) == ["False"]


async def test_a_terminal_is_one_and_has_a_name() -> None:
    config = sh("a", "echo $TERM ${COLUMNS:-unset} $(stty size)", restart="never", tty=True)
    async with managed(config) as manager:
        await until(manager, lambda now: now.status is Status.COMPLETED)
        assert await texts(manager) == ["xterm-256color unset 24 80"]
