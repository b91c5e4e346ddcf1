"""The lines of a real manager, as its dashboard elsewhere has them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import pytest_asyncio

from pmtui.client.discovery import locate_manager
from pmtui.client.remote_control import RemoteControl
from pmtui.dashboard.backend.remote_logs import MAX_PAST_LINES, RemoteLogs
from pmtui.dashboard.log_view.lines import Line, Lines, MergedLines
from tests.eventually import eventually, eventually_async
from tests.running import Running, running

MANY = 5000
GO = "while [ ! -e go ]; do sleep 0.02; done; printf '\\033[32mon\\n'; sleep 600"
PROCESSES = [
    {"id": "counter", "command": f"for i in $(seq {MANY}); do echo $i; done; {GO}", "shell": True},
    {"id": "other", "command": f"echo first; {GO}", "shell": True},
]
ON = b"\x1b[32mon"


def texts(lines: Lines) -> list[bytes]:
    return [line.data for line in lines.lines(lines.start, lines.end - lines.start)]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, PROCESSES) as manager:
        manager.wait_running(["counter", "other"])
        eventually(lambda: manager.get("/api/pm/counter/logs?lines=1")[1][-1:] and last(manager) == str(MANY))
        yield manager


def last(manager: Running) -> str:
    return str(manager.get("/api/pm/counter/logs?lines=1")[1][0]["text"])


@pytest_asyncio.fixture
async def logs(manager: Running) -> AsyncIterator[RemoteLogs]:
    control = RemoteControl(partial(locate_manager, manager.folder / "pb_processes.json", None, {}))
    logs = RemoteLogs(control)
    yield logs
    logs.close()
    await control.close()


async def test_the_last_lines_and_all_that_come(logs: RemoteLogs, manager: Running) -> None:
    (lines,) = logs.lines_of(["counter"])
    await eventually_async(lambda: len(texts(lines)) == MAX_PAST_LINES)
    assert texts(lines)[-1] == b"%d" % MANY
    (manager.folder / "go").touch()
    await eventually_async(lambda: texts(lines)[-1] == ON)


async def test_older_lines_come_from_the_files_newest_first(logs: RemoteLogs) -> None:
    (lines,) = logs.lines_of(["counter"])
    await eventually_async(lambda: len(texts(lines)) == MAX_PAST_LINES)
    oldest = lines.oldest
    assert oldest == MANY - MAX_PAST_LINES + 1
    older = await asyncio.to_thread(lambda: [line.data for line in islice(logs.older_than("counter", oldest), MANY)])
    assert older == [b"%d" % number for number in range(oldest - 1, 0, -1)]


async def test_what_is_asked_for_together_comes_together(logs: RemoteLogs, manager: Running) -> None:
    both = logs.lines_of(["counter", "other"])
    await eventually_async(lambda: texts(both[0])[-1:] == [b"%d" % MANY])
    (manager.folder / "go").touch()
    await eventually_async(lambda: all(texts(lines)[-1:] == [ON] for lines in both))


async def test_lines_that_are_there_already_come_by_time_with_those_of_others(
    logs: RemoteLogs, manager: Running
) -> None:
    (alone,) = logs.lines_of(["counter"])
    await eventually_async(lambda: texts(alone))
    (manager.folder / "go").touch()
    await eventually_async(lambda: texts(alone)[-1] == ON)
    merged = MergedLines(logs.lines_of(["counter", "other"]))

    def pulled() -> Sequence[Line]:
        merged.pull()
        return merged.lines(merged.start, merged.end - merged.start)

    await eventually_async(lambda: {line.process_id for line in pulled() if line.data == ON} == {"counter", "other"})
    lines = pulled()
    assert [line.ms for line in lines] == sorted(line.ms for line in lines)
    assert len({(line.process_id, line.data) for line in lines}) == len(lines)


async def test_only_the_last_one_asked_for_is_on_its_way(
    logs: RemoteLogs, manager: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("pmtui.dashboard.backend.remote_logs.REQUEST_DELAY", 3600.0)
        (passed_by,) = logs.lines_of(["counter"])
        request = logs._start_timer
        await asyncio.sleep(0)
    (wanted,) = logs.lines_of(["other"])
    assert request is not None
    assert request.cancelled()
    await eventually_async(lambda: texts(wanted) == [b"first"])
    assert texts(passed_by) == []


async def test_a_new_manager_begins_anew(logs: RemoteLogs, manager: Running) -> None:
    (lines,) = logs.lines_of(["other"])
    await eventually_async(lambda: texts(lines) == [b"first"])
    assert await asyncio.to_thread(manager.stop) == 0
    fresh = [{"id": "other", "command": "echo second; sleep 600", "shell": True}]
    with running(manager.folder, fresh) as second:
        second.wait_running(["other"])
        await eventually_async(lambda: texts(lines) == [b"first", b"second"])
