"""What holds for every command: found by its real parser, so that a new one has to comply, or to be excused here."""

import argparse
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pmtui.cli.main import COMMANDS, command_module
from tests.cli.shell import Done, pmtui
from tests.running import Running, running

WITHOUT_JSON = {
    "attach": "it is a dashboard",
    "connect": "it is a terminal",
    "completion": "it prints a script",
    "demo": "it runs the manager, which has --log-format json",
    "exec": "stdout is that of the command",
    "mcp": "stdout is the protocol",
    "metrics": "its format is that of Prometheus",
    "schema": "it prints JSON anyway",
}
INTERACTIVE = ("attach", "connect", "demo", "mcp")
"""Commands that need a terminal, or go on until they are ended."""
SAMPLES = {
    "check": [],
    "completion": ["bash"],
    "config": ["show"],
    "doctor": [],
    "down": [],
    "events": [],
    "exec": ["--only", "web", "--", "true"],
    "export": ["compose"],
    "history": ["web"],
    "import": ["Procfile", "-o", "-"],
    "info": ["web"],
    "init": [],
    "list": [],
    "logs": ["web"],
    "metrics": [],
    "open": [],
    "plugin": ["status"],
    "ps": [],
    "reload": ["--dry-run"],
    "remove": ["nobody"],
    "restart": ["web"],
    "run": ["--", "sleep", "600"],
    "schema": [],
    "send": ["shell", "x", "--enter"],
    "service": ["install", "--user", "--dry-run"],
    "signal": ["web", "CONT"],
    "start": ["off"],
    "stop": ["off"],
    "wait": ["web"],
}
PROCESSES = [
    {"id": "web", "command": "printf '\\033[31mred\\033[0m\\n'; exec sleep 600", "shell": True},
    {"id": "shell", "command": "cat", "stdin": True},
    {"id": "off", "command": "sleep 600", "autostart": False},
]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("commands"), PROCESSES) as manager:
        (manager.folder / "Procfile").write_text("web: sleep 600\n")
        manager.wait_running(["web", "shell"])
        yield manager


@pytest.fixture
def folder(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> Iterator[Path]:
    """A directory with a manager: one for most of them, another one for a command that ends it."""
    if name == "down":
        with running(tmp_path, PROCESSES) as manager:
            manager.wait_running(["web"])
            yield tmp_path
    else:
        yield request.getfixturevalue("manager").folder


def parsers(name: str) -> list[argparse.ArgumentParser]:
    """Return the parser of a command, and those of its subcommands that have a help text."""
    asked: argparse.ArgumentParser = import_module(command_module(name)).parser()
    for action in asked._actions:
        if isinstance(action, argparse._SubParsersAction):
            return [action.choices[choice.dest] for choice in action._choices_actions]
    return [asked]


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {flag for action in parser._actions for flag in action.option_strings}


def read_json(done: Done) -> Any:
    """Return the document on stdout, or one for each line."""
    try:
        return json.loads(done.stdout)
    except ValueError:
        return [json.loads(line) for line in done.stdout.splitlines()]


def has_escapes(done: Done) -> bool:
    return "\x1b" in done.stderr or "\r" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_it_prints_json_or_is_excused(name: str) -> None:
    assert {"--json" in options(parser) for parser in parsers(name)} == {name not in WITHOUT_JSON}


@pytest.mark.parametrize("name", COMMANDS)
def test_its_help_explains_its_exit_codes_and_has_an_example(name: str) -> None:
    text = import_module(command_module(name)).parser().format_help()
    assert "exit codes: " in text
    assert f"\n  pmtui {name}" in text or f" pmtui {name}" in text


def test_every_command_is_tried() -> None:
    assert {*SAMPLES} | {*INTERACTIVE} == {*COMMANDS}


@pytest.mark.parametrize("name", SAMPLES)
def test_in_a_pipe_it_prints_neither_colours_nor_animations(folder: Path, name: str) -> None:
    done = pmtui(folder, name, *SAMPLES[name], TERM="xterm-256color", COLORTERM="truecolor")
    assert not has_escapes(done)
    if name != "logs":  # it passes on what was written
        assert "\x1b" not in done.stdout


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in WITHOUT_JSON])
def test_with_json_stdout_is_for_programs(folder: Path, name: str) -> None:
    words = SAMPLES[name]
    at = words.index("--") if "--" in words else len(words)
    done = pmtui(folder, name, *words[:at], "--json", *words[at:], TERM="xterm-256color")
    assert not has_escapes(done)
    if name in ("init", "plugin"):  # there is a config already, and no hook
        assert (done.returncode, done.stdout) == (1, "")
    else:
        assert isinstance(read_json(done), dict | list), done.stderr


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if "--url" in options(parsers(name)[0]) and name not in ("run", "mcp")]
)
def test_without_a_manager_an_error_is_one_line(tmp_path: Path, name: str) -> None:
    words = SAMPLES.get(name) or (["web"] if name == "connect" else [])
    done = pmtui(tmp_path, name, *words)
    assert done.returncode == (2 if name in INTERACTIVE else 3)
    assert done.stdout == ""
    assert done.stderr.startswith("pmtui: ")
    assert done.stderr.count("\n") == 1
