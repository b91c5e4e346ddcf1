"""`pmtui completion`: in a real bash, with the ids that are there now."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pmtui.cli import COMMANDS
from tests.commands.conftest import ALL
from tests.commands.shell import CLEAN, pmtui
from tests.running import PMTUI, Running


def completed(folder: Path, home: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    command = home / "pmtui"
    command.write_text(f'#!/bin/sh\nexec {" ".join(PMTUI)} "$@"\n')
    command.chmod(0o755)
    line = " ".join(f"'{word}'" for word in words)
    code = f"source <(pmtui completion bash); COMP_WORDS=(pmtui {line}); COMP_CWORD={len(words)}; _pmtui; "
    environ = CLEAN | {"PATH": f"{home}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", code + 'printf "%s\\n" "${COMPREPLY[@]}"'],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_commands_options_and_live_ids(house: Running, tmp_path: Path) -> None:
    assert completed(house.folder, tmp_path, "re") == ["restart", "reload"]
    assert completed(house.folder, tmp_path, "restart", "web") == ["web-1", "web-2"]
    assert completed(house.folder, tmp_path, "stop", "@") == ["@front"]
    assert completed(house.folder, tmp_path, "logs", "--st") == ["--stream"]
    config = str(house.folder / "pb_processes.json")
    assert completed(tmp_path, tmp_path, "logs", "-c", config, "talk") == ["talker"]


def test_without_a_manager_there_are_no_ids_and_no_noise(tmp_path: Path) -> None:
    assert completed(tmp_path, tmp_path, "restart", "web") == []


def test_ids_are_one_a_line(house: Running) -> None:
    assert pmtui(house.folder, "completion", "ids").stdout.split() == [*ALL, "@front"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_known_to_every_shell(tmp_path: Path, shell: str) -> None:
    script = pmtui(tmp_path, "completion", shell).stdout
    assert all(name in script for name in COMMANDS)
    assert "@" not in script.replace("[@]", "").replace("${words[(I)", "")
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=script, text=True, check=True)
