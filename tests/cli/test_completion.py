"""`pmtui completion` in real shells on a pseudo-terminal, with live ids."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtui.cli.main import COMMANDS
from tests.cli.conftest import ALL
from tests.cli.shell import pmtui
from tests.dashboard.terminal import PseudoTerminal
from tests.running import PMTUI, Running

SHELLS = {
    "bash": ("bash --norc --noprofile -i", "source <(pmtui completion bash)"),
    "zsh": ("zsh -f -i", "autoload -U compinit; compinit -D -u; source <(pmtui completion zsh)"),
    "fish": ("fish --no-config --interactive", "pmtui completion fish | source"),
}
CLEAR_LINE = "\x15"


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path, house: Running) -> Iterator[PseudoTerminal]:
    """An interactive shell in the directory of the manager, ready to complete."""
    program, source = SHELLS[request.param]
    if not shutil.which(request.param):
        pytest.skip(f"there is no {request.param} here")
    command = tmp_path / "pmtui"
    command.write_text(f'#!/bin/sh\nexec {" ".join(PMTUI)} "$@"\n')
    command.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "xterm"}
    terminal = PseudoTerminal(house.folder, None, program=program.split(), words=(), size=(250, 30), **env)
    try:
        terminal.press(f"{source}; echo it is re''ady\r".encode())
        terminal.shows("it is ready")
        yield terminal
    finally:
        terminal.close()


def test_a_tab_completes_commands_live_ids_groups_options_their_values_and_files(shell: PseudoTerminal) -> None:
    for begun, whole in [
        ("pmtui metr", "metrics"),
        ("pmtui logs talk", "talker"),
        ("pmtui stop @fr", "front"),
        ("pmtui wait --time", "--timeout"),
        ("pmtui wait --for comp", "completed"),
        ("pmtui wait --for=heal", "--for=healthy"),
        ("pmtui check -c pb_proc", "pb_processes.json"),
        ("pmtui signal talker SIGUSR", "SIGUSR1"),
    ]:
        shell.forget()
        shell.press(f"{CLEAR_LINE}{begun}\t\t".encode())
        shell.shows(whole)


def test_a_command_outside_of_path_completes_too(shell: PseudoTerminal, tmp_path: Path) -> None:
    shell.press(b"export PATH=/nowhere:/usr/bin:/bin; echo path is s''et\r")
    shell.shows("path is set")
    shell.forget()
    shell.press(f"{tmp_path}/pmtui wait --for comp\t\t".encode())
    shell.shows("completed")


def test_two_tabs_show_the_choices(shell: PseudoTerminal) -> None:
    shell.forget()
    shell.press(b"pmtui restart web\t\t\t")
    shell.shows("web-1")
    shell.shows("web-2")


def offered(folder: Path, *words: str) -> list[str]:
    """Return the completions of the last word."""
    done = pmtui(folder, "completion", "words", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_the_first_word_is_a_command_or_an_id_of_the_config(house: Running) -> None:
    assert offered(house.folder, "") == [*COMMANDS, *ALL, "@front"]
    assert offered(house.folder, "--dev", "web-1", "web") == ["web-2"]


def test_each_argument_offers_its_values(house: Running) -> None:
    assert offered(house.folder, "list", "--json", "") == [*ALL, "@front"]
    assert offered(house.folder, "export", "--name", "x", "") == ["systemd", "compose", "kubernetes", "procfile"]
    assert offered(house.folder, "export", "systemd", "") == []
    assert offered(house.folder, "logs", "--since", "") == []
    assert offered(house.folder, "signal", "talker", "") == [number.name for number in signal.Signals]
    assert pmtui(house.folder, "completion", "words", "import", "").returncode == 1, "a file"


def test_the_command_line_selects_the_manager(house: Running, tmp_path: Path) -> None:
    config = str(house.folder / "pb_processes.json")
    assert offered(tmp_path, "logs", "-c", config, "talk") == ["talker"]
    assert offered(tmp_path, f"--config={config}", "talk") == ["talker"]


def test_without_a_manager_no_ids_and_no_errors_appear(tmp_path: Path) -> None:
    assert offered(tmp_path, "restart", "web") == []
    assert offered(tmp_path, "restart", "-c", "nothing.json", "--url", "no url", "web") == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_every_command_are_offered_and_explained(tmp_path: Path, name: str) -> None:
    lines = pmtui(tmp_path, "completion", "words", name, "-").stdout.splitlines()
    assert "--help\tshow this help message and exit" in lines
    assert all(line.count("\t") == 1 for line in lines)
