"""The operations of `Control` over HTTP, on a real manager."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from pmtui.client import remote_control
from pmtui.client.discovery import ManagerAddress, locate_manager
from pmtui.client.http_client import HttpClient
from pmtui.client.remote_control import RemoteControl
from pmtui.control import (
    ConflictError,
    Control,
    ControlError,
    InvalidError,
    ManagerInfo,
    NotFoundError,
    RawLogLine,
    Status,
    UnavailableError,
)
from tests.eventually import DEADLINE, eventually_async, eventually_awaited, is_alive
from tests.running import Running, running

PROCESSES = [
    {"id": "web", "command": "sleep 600"},
    {"id": "talker", "command": "printf '\\033[31mred\\n'; sleep 600", "shell": True},
    {"id": "stubborn", "command": "trap '' TERM; while :; do sleep 1; done", "shell": True, "stopTimeout": "10m"},
]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, PROCESSES) as manager:
        manager.wait_running(["web", "talker", "stubborn"])
        yield manager
        if manager.process.poll() is None:
            manager.post("/api/pm/stubborn/stop?now=true")


@pytest_asyncio.fixture
async def control(manager: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteControl]:
    monkeypatch.setattr(remote_control, "REQUEST_TIMEOUT", DEADLINE)
    control = RemoteControl(partial(locate_manager, manager.folder / "pb_processes.json", None, {}))
    yield control
    await control.close()


async def test_it_answers_like_a_manager_in_process(control: RemoteControl, manager: Running) -> None:
    console: Control = control
    assert [row.id for row in await console.list()] == ["web", "talker", "stubborn"]
    assert (await console.get("web")).argv[-1] == "600"
    assert (await console.about()).pid == manager.pid
    assert [event.to for event in await console.history("web")] == [Status.STARTING, Status.RUNNING]
    assert [node.id for node in (await console.graph()).nodes] == ["web", "talker", "stubborn"]
    assert [event.to for event in await console.past_events("web", "1h", limit=1)] == [Status.RUNNING]
    usage = await console.usage_history("web", "1h", "5m", 11)
    assert (usage.step, usage.cpu, usage.events) == (300, [None] * 11, [])
    assert (await console.preview()).unchanged == ["web", "talker", "stubborn"]
    assert (await console.reload()).changed == []


async def test_operations_take_effect(control: RemoteControl) -> None:
    before = (await control.get("web")).pid
    await control.restart("web")
    row = await control.wait("web", frozenset({Status.RUNNING}))
    assert row.pid not in (0, before)
    await control.stop("web")
    assert (await control.wait("web", frozenset({Status.STOPPED}))).pid == 0
    results = await control.bulk("start", ["w*", "nobody"])
    assert [(result.id, result.ok) for result in results] == [("web", True), ("nobody", False)]
    await control.wait("web", frozenset({Status.RUNNING}))
    await control.start("web")
    await control.signal("web", "CONT")


async def test_a_kill_does_not_wait_for_the_stop_timeout(control: RemoteControl) -> None:
    pid = (await control.get("stubborn")).pid
    await control.kill("stubborn")
    await control.wait("stubborn", frozenset({Status.STOPPED}))
    assert not is_alive(pid)


async def test_error_responses_raise_the_same_errors(control: RemoteControl) -> None:
    with pytest.raises(NotFoundError, match="Process 'a/b' not found"):
        await control.get("a/b")
    with pytest.raises(InvalidError, match="BOGUS"):
        await control.signal("web", "BOGUS")
    await control.stop("web")
    await control.wait("web", frozenset({Status.STOPPED}))
    with pytest.raises(ConflictError):
        await control.signal("web", "HUP")
    with pytest.raises(ControlError, match="only in the manager's own dashboard"):
        await control.reveal("web", "TOKEN")


async def test_a_wrong_token_is_reported(manager: Running) -> None:
    place = locate_manager(manager.folder / "pb_processes.json", None, {})
    control = RemoteControl(lambda: ManagerAddress(place.url, "wrong"))
    with pytest.raises(ControlError, match="PMTUI_TOKEN"):
        await control.list()
    await control.close()


async def test_a_token_that_appears_later_is_used(manager: Running) -> None:
    found = locate_manager(manager.folder / "pb_processes.json", None, {})
    early = ManagerAddress(found.url, "")
    with HttpClient(early, lambda: found) as client:
        assert client.get("/api/pm/config", ManagerInfo).pid == manager.pid
    places = iter([early, found])
    control = RemoteControl(lambda: next(places))
    assert (await control.about()).pid == manager.pid
    await control.close()


async def test_logs_are_read_with_their_bytes_and_cleared(control: RemoteControl) -> None:
    async def texts() -> list[str]:
        return [line.text for line in await control.logs("talker")]

    assert await eventually_awaited(texts) == ["red"]
    (line,) = await control.logs("talker", lines=1, raw=True)
    assert isinstance(line, RawLogLine)
    assert line.data == b"\x1b[31mred"
    await control.clear_logs("talker")
    assert await texts() == []


async def test_events_continue_with_the_next_manager(control: RemoteControl, manager: Running) -> None:
    async with aclosing(control.events()) as events:
        first = asyncio.ensure_future(anext(events))
        await control.list()
        while not first.done():
            await control.restart("web")
            await asyncio.wait([first], timeout=0.2)
        assert first.result().id == "web"
        manager.process.send_signal(signal.SIGKILL)
        manager.process.wait()
        with running(manager.folder, [{"id": "other", "command": "sleep 600"}]) as second:
            second.wait_running(["other"])
            async with asyncio.timeout(DEADLINE):
                while (await anext(events)).id != "other":
                    pass
            second.stop()


async def test_an_unresponsive_manager_is_stale_until_it_answers(
    control: RemoteControl, manager: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await control.list()
    manager.process.send_signal(signal.SIGSTOP)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(remote_control, "REQUEST_TIMEOUT", 0.2)
            with pytest.raises(UnavailableError, match=r"stale since \d\d:\d\d:\d\d: no response"):
                await control.list()
    finally:
        manager.process.send_signal(signal.SIGCONT)
    assert len(await control.list()) == 3


async def test_an_ended_manager_is_reported_and_the_next_one_found(control: RemoteControl, manager: Running) -> None:
    await control.list()
    await control.kill("stubborn")
    assert await asyncio.to_thread(manager.stop) == 0
    with pytest.raises(UnavailableError, match="stale since"):
        await control.list()
    with pytest.raises(UnavailableError, match="no manager is running"):
        await control.list()
    with running(manager.folder, PROCESSES[:1]) as second:
        second.wait_running(["web"])
        assert [row.id for row in await control.list()] == ["web"]


async def test_a_manager_of_another_version_is_reported(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps([{"id": 7}]).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    control = RemoteControl(lambda: ManagerAddress(f"http://127.0.0.1:{port}", ""))
    with pytest.raises(UnavailableError, match="does not fit this version"):
        await control.list()
    await control.close()
    server.close()
    await eventually_async(lambda: not server.is_serving())
