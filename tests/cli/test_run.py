"""`pmtui run` and `pmtui remove`, as in a shell."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ALL
from tests.cli.shell import pmtui
from tests.eventually import eventually, is_alive
from tests.running import Running

SLEEP = ("--", "sleep", "600")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "pmtui.toml").write_text('[settings]\nport = 0\n[process.a]\ncommand = "sleep 600"\n')
    yield tmp_path
    pmtui(tmp_path, "down", "--now")


def rows(folder: Path) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in json.loads(pmtui(folder, "list", "--json").stdout)}


def test_it_starts_a_manager_prints_the_id_and_ends_with_its_lease(folder: Path) -> None:
    holder = subprocess.Popen(["sleep", "600"])
    done = pmtui(folder, "run", "--name", "job", "--lease", str(holder.pid), "--wait", "healthy", *SLEEP)
    assert (done.returncode, done.stdout, done.stderr) == (0, "job\n", "")
    found = rows(folder)
    assert (found["a"]["origin"], found["job"]["origin"], found["job"]["status"]) == ("config", "adhoc", "running")
    assert "ad hoc" in pmtui(folder, "list").stdout
    holder.kill()
    holder.wait()
    eventually(lambda: "job" not in rows(folder))
    assert not is_alive(int(str(found["job"]["pid"])))


def test_names_are_made_from_the_command(own: Running) -> None:
    assert [pmtui(own.folder, "run", "--", "true").stdout for _ in range(2)] == ["true\n", "true-2\n"]
    assert pmtui(own.folder, "remove", "true", "true-2").returncode == 0
    assert "true" not in rows(own.folder)


def test_arguments_are_passed_on_unchanged_in_the_callers_folder(own: Running) -> None:
    done = pmtui(own.folder, "run", "--", "sh", "-c", 'echo "$PWD" "$1" "$2" > out', "-", "--x y", "--")
    assert done.returncode == 0, done.stderr
    out = own.folder / "out"
    eventually(lambda: out.is_file() and out.read_text())
    assert out.read_text() == f"{own.folder} --x y --\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--name", "web-1", *SLEEP], 1, "There already is a process 'web-1'"),
        (["--name", "a b", *SLEEP], 2, "id: expected"),
        (["--lease", "soon", *SLEEP], 2, "lease: expected a pid"),
        (["--", "nosuchcommand"], 1, "nosuchcommand is failed: command nosuchcommand"),
        (["--name", "bad", *SLEEP], 1, "There already is a process"),
        ([], 2, "give the command to run"),
    ],
)
def test_what_cannot_be_run_is_reported(own: Running, words: list[str], code: int, message: str) -> None:
    done = pmtui(own.folder, "run", *words)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert [row["id"] for row in own.list()] == ALL


def test_a_process_of_the_config_is_not_removed(own: Running) -> None:
    done = pmtui(own.folder, "remove", "web-1")
    assert (done.returncode, "belongs to the config" in done.stderr) == (1, True)
