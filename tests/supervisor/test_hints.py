"""Hints after a failure, with real processes and sockets."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui import ProcessConfig
from pmtui.config.model import Health, RestartPolicy
from pmtui.control import Status
from pmtui.supervisor.hints import likely_ports, module_hint, ports_in
from tests.eventually import DEADLINE
from tests.managed import managed, sh, until


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


SERVER = "import socketserver, sys; socketserver.TCPServer(('127.0.0.1', int(sys.argv[1])), None)"


async def test_who_holds_the_port_is_named(taken: int, tmp_path: Path) -> None:
    arguments, env = ["-c", SERVER, str(taken)], {"PORT": str(taken)}
    config = ProcessConfig(id="a", command=sys.executable, args=arguments, cwd=str(tmp_path), max_retries=0, env=env)
    async with managed(config) as manager:
        now = await until(manager, lambda now: now.status is Status.FAILED)
        assert f"(pid {os.getpid()})" in now.last_error
        assert f"port {taken} is used by " in now.last_error


async def test_a_taken_port_is_advice_until_the_process_is_healthy(taken: int, tmp_path: Path) -> None:
    arguments, env = ["-c", SERVER, str(taken)], {"PORT": str(taken)}
    config = ProcessConfig(
        id="a",
        command=sys.executable,
        args=arguments,
        cwd=str(tmp_path),
        backoff=60.0,
        healthy_after=DEADLINE,
        env=env,
    )
    async with managed(config) as manager:
        now = await until(manager, lambda now: now.status is Status.CRASHED)
        assert now.advice.startswith(f"port {taken} is used by ")


async def test_an_operator_of_a_shell_is_advice() -> None:
    config = ProcessConfig(id="a", command="sleep 600 && true", max_retries=0)
    async with managed(config) as manager:
        now = await until(manager, lambda now: now.status is Status.FAILED)
        assert now.advice == "&& is passed to the program, because there is no shell; set shell = true"


async def test_a_program_that_ends_at_once_over_and_over_gets_a_hint_about_stdin() -> None:
    async with managed(sh("a", "exec cat", backoff=0.0, max_retries=-1)) as manager:
        await until(manager, lambda now: 'try stdin = "open"' in now.last_error)


async def test_a_program_that_ends_well_each_time_gets_a_hint_about_restart() -> None:
    async with managed(sh("a", "exit 0", backoff=0.0, max_retries=2)) as manager:
        now = await until(manager, lambda now: now.status is Status.FAILED)
        for text in (now.last_error, now.advice):
            assert text.startswith('ends with 0 each time: set restart = "on-failure" if it is done then')


async def test_a_script_that_defines_an_application_is_told_how_to_serve_it(tmp_path: Path) -> None:
    (tmp_path / "fastapi.py").write_text("class FastAPI: ...\n")
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    config = ProcessConfig(
        id="a", script="main.py", cwd=str(tmp_path), max_retries=1, backoff=0.0, healthy_after=DEADLINE
    )
    async with managed(config) as manager:
        now = await until(manager, lambda now: now.status is Status.FAILED)
        assert now.advice == (
            "main.py has a FastAPI application, but does not serve it; "
            'try command = "python3 -m uvicorn main:app --port 8000"'
        )


@pytest.mark.parametrize(("code", "retries", "restart"), [(1, 3, "always"), (0, 1, "always"), (0, 3, "on-failure")])
async def test_no_such_hint_after_a_failure_or_a_single_good_end(
    code: int, retries: int, restart: RestartPolicy
) -> None:
    config = sh("a", f"exit {code}", backoff=0.0, max_retries=retries - 1, restart=restart)
    async with managed(config) as manager:
        now = await until(manager, lambda now: now.status in (Status.FAILED, Status.COMPLETED))
        assert ("each time" in now.last_error, now.advice) == (False, "")


@pytest.mark.parametrize("fields", [{"stdin": "open"}, {"tty": True}])
async def test_no_such_hint_if_there_is_something_to_read(fields: dict[str, object]) -> None:
    async with managed(sh("a", "exit 0", backoff=0.0, max_retries=4, **fields)) as manager:
        now = await until(manager, lambda now: now.status is Status.FAILED)
        assert "stdin" not in now.last_error


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (
            "/usr/bin/python3: No module named uvicorn",
            "uvicorn is not installed; run python3 -m venv .venv && .venv/bin/pip install uvicorn",
        ),
        (
            "ModuleNotFoundError: No module named 'yaml.nodes'",
            "yaml is not installed; run python3 -m venv .venv && .venv/bin/pip install yaml",
        ),
        ("ModuleNotFoundError: No module named 'local'", ""),
        ("Error: Cannot find module 'express'", "express is not installed; run npm install express"),
        ("Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@a/b' imported from /x.js", "@a/b is not installed; run "),
        ("Error: Cannot find module './lib/db'", ""),
        ("Error: Cannot find module '/srv/app.js'", ""),
    ],
)
def test_a_missing_module_is_named(tmp_path: Path, line: str, hint: str) -> None:
    (tmp_path / "local.py").touch()
    config = ProcessConfig(id="a", command="x", cwd=str(tmp_path))
    found = module_hint(config, {}, ["Traceback", line, "Node.js v20"])
    assert found.startswith(hint)
    assert bool(found) is bool(hint)


def test_a_module_that_the_virtual_environment_lacks_is_named(tmp_path: Path) -> None:
    config = ProcessConfig(id="a", command="x", cwd=str(tmp_path))
    env = {"VIRTUAL_ENV": str(tmp_path / ".venv")}
    assert module_hint(config, env, ["ModuleNotFoundError: No module named 'flask'"]) == (
        'flask is not installed in .venv; install it there, or by install = "auto" and requirements.txt'
    )


@pytest.mark.parametrize(
    "line",
    [
        "Error: listen EADDRINUSE: address already in use :::8001",
        "Error: listen EADDRINUSE: address already in use 127.0.0.1:8001",
        "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8001): address already in use",
        "panic: listen tcp :8001: bind: address already in use",
        "Web server failed to start. Port 8001 was already in use.",
        'Address already in use - bind(2) for "127.0.0.1" port 8001 (Errno::EADDRINUSE)',
        "[Errno 98] Address already in use\nPort 8001 is in use by another program.",
        "Error: Port 8001 is already in use",
        'Error: Os { code: 98, kind: AddrInUse, message: "Address already in use" } 0.0.0.0:8001',
        "nginx: [emerg] bind() to 0.0.0.0:8001 failed (98: Address already in use)",
    ],
)
def test_the_port_is_found_in_what_programs_say(line: str) -> None:
    assert 8001 in [*ports_in(line.splitlines())]


def test_other_sources_of_the_port() -> None:
    config = ProcessConfig(id="a", command="x", health=Health(http="http://127.0.0.1:8002/health"))
    assert [*likely_ports(config, {"PORT": "8001"})] == [8001, 8002]
