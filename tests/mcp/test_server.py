"""`pmtui mcp` beside a real manager, used by the SDK's own client."""

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from pmtui.client.discovery import locate_manager
from pmtui.mcp import tools
from pmtui.mcp.tools import Tools
from tests.cli.conftest import NEVER_UP
from tests.cli.shell import CLEAN, pmtui
from tests.eventually import DEADLINE, eventually_awaited, is_alive
from tests.running import running

CONFIG = {
    "processes": [
        {"id": "web", "command": "echo hello; echo oops >&2; exec sleep 600", "shell": True},
        {"id": "bad", "command": "echo because of this >&2; exit 3", "shell": True}
        | {"maxRetries": 0, "health": NEVER_UP},
        {"id": "needy", "command": "sleep 600", "dependsOn": {"bad": "succeeded"}, "env": {"API_KEY": "hunter22"}},
        {"id": "cat", "command": "cat", "stdin": True},
    ]
}
READING = {"list_processes", "explain", "read_logs", "wait", "check_config"}
CONTROL = {"start", "stop", "restart", "reload", "run", "send_input"}


@asynccontextmanager
async def connected(folder: Path, *options: str) -> AsyncIterator[Client]:
    server = StdioServerParameters(command=sys.executable, args=["-m", "pmtui", "mcp", *options], cwd=folder, env=CLEAN)
    async with Client(server) as client:
        yield client


async def call(client: Client, tool: str, **arguments: object) -> tuple[bool, str]:
    result = await client.call_tool(tool, arguments)
    [content] = result.content
    assert isinstance(content, TextContent)
    return bool(result.is_error), content.text


async def ask(client: Client, tool: str, **arguments: object) -> str:
    is_error, text = await call(client, tool, **arguments)
    assert not is_error, text
    return text


async def test_the_tools_are_few_short_and_annotated(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == READING
    async with connected(tmp_path, "--allow-control") as client:
        tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == READING | CONTROL
    texts = [json.dumps(tool.model_dump(mode="json", by_alias=True, exclude_none=True)) for tool in tools]
    assert sum(map(len, texts)) / 4 < 2000
    for tool in tools:
        assert tool.annotations
        assert tool.annotations.read_only_hint is (tool.name in READING)
        assert tool.annotations.destructive_hint is (None if tool.name in READING else tool.name != "start")


async def test_without_a_manager_each_tool_says_so_and_starts_none(tmp_path: Path) -> None:
    (tmp_path / "pmtui.toml").write_text("[process.web]\ncommand = 'sleep 600'\n")
    needed: dict[str, dict[str, Any]] = {
        name: {"id": "web"} for name in ("explain", "read_logs", "start", "stop", "restart")
    }
    needed |= {"list_processes": {}, "wait": {}, "reload": {}, "run": {"command": ["true"]}}
    needed |= {"send_input": {"id": "web", "text": "x"}}
    async with connected(tmp_path, "--allow-control") as client:
        for tool, arguments in needed.items():
            is_error, text = await call(client, tool, **arguments)
            assert (is_error, "no manager is running" in text) == (True, True), (tool, text)
        assert "no manager is running" in await ask(client, "check_config")
    assert not (tmp_path / ".pmtui").exists()


async def has_read_both(client: Client) -> bool:
    text = await ask(client, "read_logs", id="web")
    return "hello" in text and "oops" in text


async def test_an_agent_finds_out_what_is_wrong(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as manager:
        manager.wait_running(["web", "cat"])
        async with connected(tmp_path) as client:
            assert "bad failed" in await ask(client, "wait", id="bad", timeout=60)
            assert "needy failed" in await ask(client, "wait", id="needy", timeout=60)
            listed = await ask(client, "list_processes")
            assert [line.split()[0] for line in listed.splitlines()] == ["web", "bad", "needy", "cat"]
            assert (await ask(client, "list_processes", id="we*")).startswith("web running up ")
            why = await ask(client, "explain", id="needy")
            assert "depends on bad failed" in why
            assert "hunter22" not in why
            why = await ask(client, "explain", id="bad")
            assert "ended at" in why
            assert "\n  because of this" in why
            await eventually_awaited(lambda: has_read_both(client))
            lines = (await ask(client, "read_logs", id="web")).splitlines()
            assert [line[9:] for line in lines[:-1]] in (["hello", "! oops"], ["! oops", "hello"])
            assert "no errors" in await ask(client, "check_config") or "warning" in await ask(client, "check_config")
            assert "needy failed" in await ask(client, "wait", id="needy", timeout=60)
            every = await ask(client, "explain")
            assert "\n\nneedy failed" in every
            assert "web" not in every
            for pattern in ("[wc]*", "[cw]*"):
                good = (await ask(client, "explain", id=pattern)).splitlines()
                assert [line.partition(" up ")[0] for line in good] == ["no problems:", "web running", "cat running"]
            first = await ask(client, "read_logs", id="web", cursor="start")
            assert first.splitlines()[:2] == lines[:2]
            is_error, text = await call(client, "explain", id="nobody")
            assert is_error
            assert text.endswith("Process 'nobody' not found; processes: web, bad, needy, cat.")
            assert (await call(client, "stop", id="web"))[0]  # it is not offered
        assert manager.row("web")["status"] == "running"


async def test_an_agent_at_the_controls_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as manager:
        manager.wait_running(["web", "cat"])
        async with connected(tmp_path, "--allow-control") as client:
            assert (await ask(client, "stop", id="web")).startswith("web stopped")
            assert (await ask(client, "start", id="web")).startswith("web running")
            assert (await ask(client, "restart", id="web")).startswith("web running")
            assert await ask(client, "reload") == "nothing changed"
            assert await ask(client, "send_input", id="cat", text="ping") == "sent to cat"

            async def echoed() -> bool:
                return "ping" in await ask(client, "read_logs", id="cat")

            await eventually_awaited(echoed)
            assert (await ask(client, "run", command=["sleep", "600"])).startswith("sleep running")
            assert (await ask(client, "run", command=["sleep", "600"])).startswith("sleep-2 running")
            text = await ask(client, "run", command=["/nowhere/late"], name="late")
            assert text.startswith("late failed ad hoc: command /nowhere/late does not exist")
            assert (await ask(client, "run", command=["sleep", "600"], name="late")).startswith("late running")
            is_error, text = await call(client, "run", command=["true"], name="late")
            assert (is_error, "There already is a process 'late'" in text) == (True, True)
            pids = [manager.row(name)["pid"] for name in ("sleep", "sleep-2")]
            assert manager.row("sleep")["origin"] == "adhoc"

        async def gone() -> bool:
            return {row["id"] for row in manager.list()} == {"web", "bad", "needy", "cat"}

        await eventually_awaited(gone)
        assert not any(map(is_alive, pids))


async def test_a_process_that_ends_within_the_time_it_has_to_run_is_shown_with_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "MIN_HEALTHY_UPTIME", 600.0)
    with running(tmp_path, []) as manager:
        manager.wait_until_served()
        agent = Tools(partial(locate_manager, tmp_path / "pb_processes.json", None, {}), str)
        head, *lines = (await agent.run(["echo too bad >&2; exit 3"], "late", timeout=DEADLINE)).splitlines()
        await agent.close()
    assert head.startswith("late failed ad hoc: too bad (exit 3 ")
    assert lines == [f"{lines[0][:8]} ! too bad", "cursor: 1"]


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['mcp'] = None\n")
    done = pmtui(tmp_path, "mcp", PYTHONPATH=str(tmp_path))
    assert (done.returncode, "pip install 'pmtui[mcp]'" in done.stderr) == (1, True), done.stderr


async def test_a_job_says_when_it_is_due(tmp_path: Path) -> None:
    jobs = [
        {"id": "nightly", "command": "echo fine; exit 3", "shell": True, "schedule": "0 0 1 1 *", "health": NEVER_UP}
    ]
    with running(tmp_path, jobs) as manager:
        manager.wait_until_served()
        async with connected(tmp_path, "--allow-control") as client:
            assert (await ask(client, "list_processes")).startswith("nightly scheduled: next ")
            answer = await ask(client, "start", id="nightly")
            assert answer.startswith("nightly scheduled")
            assert re.search(r"last failed [0-9:]{8}: fine \(exit 3 after", answer)
            assert "next start: 20" in await ask(client, "explain", id="nightly")
