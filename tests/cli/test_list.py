"""`pmtui list`, with the real command and a real manager."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pmtui.cli.output import Output
from pmtui.cli.table import table
from tests.cli.conftest import ALL
from tests.cli.shell import CLEAN, ids, pmtui
from tests.dashboard.terminal import PseudoTerminal
from tests.eventually import DEADLINE
from tests.fake_control import snapshot
from tests.running import PMTUI, Running

ABSENT = ("asyncio", "httpx", "textual", "rich", "starlette", "uvicorn", "psutil")


def test_all_processes_are_listed_in_config_order(house: Running) -> None:
    done = pmtui(house.folder, "list")
    assert ids(done) == ALL
    assert "\x1b" not in done.stdout
    assert "✖ failed" in done.stdout


def test_patterns_select_processes(house: Running) -> None:
    assert ids(pmtui(house.folder, "list", "@front", "off")) == ["web-1", "web-2", "off"]
    assert ids(pmtui(house.folder, "list", "*-2")) == ["web-2"]


def test_a_pattern_without_a_match_is_reported(house: Running) -> None:
    done = pmtui(house.folder, "list", "web-9")
    told = f"pmtui: no process matches 'web-9', did you mean 'web-2'? processes: {', '.join(map(str, ALL))}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)


def test_json_is_the_response_of_the_api(house: Running) -> None:
    rows = json.loads(pmtui(house.folder, "list", "--json").stdout)
    assert [row["id"] for row in rows] == ALL
    assert rows[0].keys() == house.list()[0].keys()


def test_the_table_fits_the_terminal(house: Running) -> None:
    terminal = PseudoTerminal(house.folder, None, words=("list",), size=(40, 20), COLUMNS="")
    try:
        assert terminal.ends() == 0
        terminal.shows("bad")
        lines = terminal.text.splitlines()
        assert max(map(len, lines)) <= 40
        assert lines[0].split()[:2] == ["ID", "STATUS"]
        assert b"\x1b[32m" in terminal.output
    finally:
        terminal.close()


@pytest.mark.parametrize("width", [60, 80])
def test_a_long_id_is_truncated(width: int) -> None:
    ink = Output()
    ink.width = width
    head, line = table([snapshot("x" * 64)], ink, 0)
    assert head.split()[:4] == ["ID", "PID", "STATUS", "UPTIME"]
    assert len(line) <= width
    assert line.split()[0] == "x" * (width // 3 - 1) + "…"


def test_no_color_is_respected(house: Running) -> None:
    terminal = PseudoTerminal(house.folder, None, words=("list",), NO_COLOR="1")
    try:
        assert terminal.ends() == 0
        terminal.shows("talker")
        assert b"\x1b[" not in terminal.output
    finally:
        terminal.close()


def test_watching_redraws_until_interrupted(house: Running) -> None:
    terminal = PseudoTerminal(house.folder, None, words=("list", "--watch"))
    try:
        terminal.shows("talker")
        terminal.forget()
        terminal.shows("talker")
        terminal.press(b"\x03")
        assert terminal.ends() == -signal.SIGINT
        assert "Traceback" not in terminal.text
    finally:
        terminal.close()


def test_a_closed_pipe_is_not_an_error(house: Running) -> None:
    command = f"{' '.join(PMTUI)} list --json --watch | head -c 10 | wc -c; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=house.folder, env=CLEAN, capture_output=True, text=True, timeout=DEADLINE
    )
    assert (done.stdout.split(), done.stderr) == (["10", str(128 + signal.SIGPIPE)], "")


def test_nothing_heavy_is_imported(house: Running) -> None:
    code = "import sys; from pmtui.cli.main import run; run(['list']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=house.folder, env=CLEAN, capture_output=True, text=True)
    assert done.returncode == 0
    assert not set(ABSENT) & set(done.stderr.split())


def test_no_manager_is_exit_code_3_and_creates_nothing(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"pmtui: no manager is running in {tmp_path}, which has no config; 'pmtui init' writes one\n"
    assert list(tmp_path.iterdir()) == []
