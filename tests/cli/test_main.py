"""Commands and options, with the real program."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pmtui import __version__
from tests.eventually import DEADLINE
from tests.running import PMTUI


def pmtui(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PMTUI, *words], cwd=folder, capture_output=True, text=True, timeout=DEADLINE)


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert pmtui(tmp_path, "--version").stdout == f"pmtui {__version__}\n"


def test_the_help_names_the_other_commands(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "--help")
    assert done.returncode == 0
    assert "pmtui check" in done.stdout
    assert "pmtui demo" in done.stdout


@pytest.mark.parametrize(
    "words", [("--bogus",), ("--no-ui", "--port", "99999"), ("--log-format", "xml"), ("check", "x")]
)
def test_bad_usage_is_exit_code_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = pmtui(tmp_path, *words)
    assert done.returncode == 2
    assert "usage: pmtui" in done.stderr


def test_a_good_config_passes_the_check(tmp_path: Path) -> None:
    (tmp_path / "pmtui.toml").write_text('[process.web]\ncommand = "sleep 600"\n')
    done = pmtui(tmp_path, "check")
    assert (done.returncode, done.stdout) == (0, "pmtui.toml: 1 process, no errors, no warnings\n")


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    config = [{"id": "a", "command": "sleep 1", "maxRetires": 3}, {"id": "a/b", "command": "sleep 1"}]
    (tmp_path / "pb_processes.json").write_text(json.dumps(config))
    done = pmtui(tmp_path, "check")
    assert done.returncode == 2
    assert "processes[0].maxRetires: unknown field, did you mean maxRetries?" in done.stdout
    assert "processes[1].id" in done.stdout


def test_no_config_to_check_is_bad_usage(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "check")
    assert done.returncode == 2
    assert (
        done.stderr
        == "pmtui: no config in this directory or above (expected pmtui.toml, pmtui.yaml, pb_processes.json or "
        "pb_data/pb_processes.json); 'pmtui init' writes one\n"
    )


@pytest.mark.parametrize("kind", ["fifo", "folder", "empty", "latin", "missing", "deep"])
def test_an_invalid_config_file_is_reported_and_never_blocks(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.json"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case "latin":
            path.write_bytes(b'[{"id": "\xe4"}]')
        case "deep":
            path.write_text("[" * 100_000)
    done = pmtui(tmp_path, "check", "--pmConfig", "config.json")
    assert done.returncode == 2
    assert "1 error" in done.stdout


def test_the_first_config_found_is_used(tmp_path: Path) -> None:
    (tmp_path / "pb_data").mkdir()
    for name in ("pb_data/pb_processes.json", "pb_processes.json", "pmtui.toml"):
        (tmp_path / name).write_text("[process.a]\ncommand='true'" if name.endswith("toml") else "[]")
        assert pmtui(tmp_path, "check").stdout.splitlines()[-1].startswith(f"{Path(name).name}: ")


@pytest.mark.parametrize(("word", "meant"), [("lst", "'pmtui list'"), ("status", "'pmtui list'"), ("wbe", "'web'")])
def test_an_unknown_word_gets_a_suggestion(tmp_path: Path, word: str, meant: str) -> None:
    (tmp_path / "pb_processes.json").write_text('[{"id": "web", "command": "sleep 600"}]')
    done = pmtui(tmp_path, "--no-ui", word)
    assert done.returncode == 2
    assert f"no command or process is named '{word}'; did you mean {meant}?" in done.stderr
