"""`pmtui logs`, over real output."""

import json
import os
import subprocess
from pathlib import Path

from tests.cli.shell import CLEAN, pmtui
from tests.eventually import DEADLINE, eventually
from tests.running import PMTUI, Running, running
from tests.servers import free_port

RED = b"\x1b[31mline 20\x1b[0m\xff"


def raw(house: Running, *words: str) -> bytes:
    return subprocess.run(
        [*PMTUI, "logs", *words], cwd=house.folder, env=CLEAN, stdout=subprocess.PIPE, timeout=DEADLINE
    ).stdout


def test_it_ends_after_the_last_lines(house: Running) -> None:
    assert raw(house, "talker", "--stream", "stdout", "-n", "1") == RED + b"\n"


def test_a_pipe_receives_the_original_bytes(house: Running) -> None:
    lines = raw(house, "talker").splitlines()
    assert len(lines) == 21
    assert {b"\x1b[31mline 1\x1b[0m\xff", b"oops", RED} <= set(lines)


def test_lines_of_several_processes_bear_their_ids(house: Running) -> None:
    lines = raw(house).splitlines()
    assert b"[bad] because" in lines
    assert b"[talker] oops" in lines


def test_only_matching_lines_are_printed(house: Running) -> None:
    assert raw(house, "talker", "--grep", "line 1$") == b""  # the byte at its end belongs to it
    assert raw(house, "talker", "--grep", "line 2[^0]") == b"\x1b[31mline 2\x1b[0m\xff\n"
    assert raw(house, "talker", "--stream", "stderr") == b"oops\n"
    assert raw(house, "talker", "--since", "2035-01-01T00:00:00Z") == b""
    assert raw(house, "talker", "-n", "0") == b""


def test_json_prints_one_object_per_line(house: Running) -> None:
    lines = [json.loads(line) for line in pmtui(house.folder, "logs", "talker", "--json").stdout.splitlines()]
    assert len(lines) == 21
    assert {line["text"] for line in lines} >= {"line 20\ufffd", "oops"}
    assert lines[0].keys() == {"seq", "time", "stream", "text", "run", "id"}


def test_the_previous_run_is_shown_after_a_crash(own: Running) -> None:
    pmtui(own.folder, "start", "bad")
    eventually(lambda: own.row("bad")["status"] == "failed" and own.row("bad")["restartCount"])
    assert raw(own, "bad", "--prev") == b"because\n"


def test_more_lines_than_one_response_holds_are_printed(tmp_path: Path) -> None:
    with running(tmp_path, [{"id": "many", "command": "seq", "args": ["25000"], "restart": "on-failure"}]) as manager:
        manager.wait_until_served()
        eventually(lambda: manager.row("many")["status"] == "completed")
        for wanted, found in ((9_999, 9_999), (10_000, 10_000), (10_001, 10_001), (20_000, 20_000), (60_000, 25_000)):
            numbers = [int(line) for line in raw(manager, "many", "-n", str(wanted)).split()]
            assert numbers == [*range(25_001 - found, 25_001)]


def test_an_invalid_query_is_explained(house: Running) -> None:
    for words, told, code in (
        (("nobody",), "nobody", 1),
        (("talker", "--grep", "("), "grep", 2),
        (("--since", "soon"), "since", 2),
        (("-f", "-n", "10001"), "at most 10,000 earlier lines", 2),
    ):
        done = pmtui(house.folder, "logs", *words)
        assert done.returncode == code
        assert told in done.stderr


def test_following_shows_a_line_at_once_and_ends_with_the_manager(tmp_path: Path) -> None:
    ticker = {"id": "ticker", "command": "while read line; do echo got $line; done < fifo", "shell": True}
    os.mkfifo(tmp_path / "fifo")
    with open(tmp_path / "fifo", "r+b", buffering=0) as fifo, running(tmp_path, [ticker]) as manager:
        manager.wait_running(["ticker"])
        following = subprocess.Popen([*PMTUI, "logs", "ticker", "-f"], cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE)
        assert following.stdout is not None
        with following, following.stdout as lines:
            fifo.write(b"one\n")
            assert lines.readline() == b"got one\n"
            for number in range(5):
                fifo.write(b"%d\n" % number)
                assert lines.readline() == b"got %d\n" % number
            assert manager.stop() == 0
            assert following.wait(DEADLINE) == 3


def test_following_a_url_reports_a_lost_manager_and_reconnects(tmp_path: Path) -> None:
    speaker = {"id": "speaker", "command": "echo hello; sleep 600", "shell": True}
    port = str(free_port())
    words = [*PMTUI, "logs", "-f", "speaker", "--url", f"http://127.0.0.1:{port}"]
    with running(tmp_path, [speaker], "--port", port) as manager:
        manager.wait_running(["speaker"])
        following = subprocess.Popen(
            words, cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert following.stdout
        assert following.stderr
        assert following.stdout.readline() == "hello\n"
    with following, following.stdout as lines, following.stderr as complaints:
        assert "Reconnecting." in complaints.readline()
        with running(tmp_path, [speaker], "--port", port):
            assert complaints.readline() == "pmtui: Reconnected.\n"
            assert lines.readline() == "hello\n"
            following.terminate()


PROMPTER = "echo start; printf 'Connecting to database... '; read go < fifo; echo done; printf '1 %%\r2 %%'; sleep 600"


def test_following_shows_an_unfinished_line_and_goes_on_with_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    prompter = {"id": "prompter", "command": PROMPTER, "shell": True}
    with open(tmp_path / "fifo", "r+b", buffering=0) as fifo, running(tmp_path, [prompter]) as manager:
        manager.wait_running(["prompter"])
        following = subprocess.Popen(
            [*PMTUI, "logs", "prompter", "-f"], cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE
        )
        assert following.stdout is not None
        with following, following.stdout as output:
            assert output.read(32) == b"start\nConnecting to database... "
            fifo.write(b"go\n")
            assert output.read(8) == b"done\n2 %"
            following.terminate()
        log = manager.data / "logs/prompter-stdout.log"
        eventually(lambda: log.exists() and b"done" in log.read_bytes())
        assert log.read_bytes().endswith(b"Connecting to database... done\n")


def test_the_stream_tells_that_a_line_is_unfinished(tmp_path: Path) -> None:
    prompter = {"id": "prompter", "command": "printf Password:; sleep 600", "shell": True}
    with running(tmp_path, [prompter]) as manager:
        manager.wait_running(["prompter"])
        words = [*PMTUI, "logs", "-f", "--json"]
        following = subprocess.Popen(words, cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE)
        assert following.stdout is not None
        with following, following.stdout as lines:
            line = json.loads(lines.readline())
            following.terminate()
        assert (line["text"], line["partial"], line["stream"]) == ("Password:", True, "stdout")
        assert manager.get("/api/pm/prompter/logs")[1] == []


def test_a_terminal_shows_an_unfinished_line_and_replaces_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    prompter = {"id": "prompter", "command": PROMPTER, "shell": True}
    with open(tmp_path / "fifo", "r+b", buffering=0) as fifo, running(tmp_path, [prompter]) as manager:
        manager.wait_running(["prompter"])
        ours, theirs = os.openpty()
        words = [*PMTUI, "logs", "prompter", "-f"]
        with subprocess.Popen(words, cwd=tmp_path, env=CLEAN | {"TERM": "xterm"}, stdout=theirs) as following:
            os.close(theirs)
            seen = bytearray()

            def has(text: bytes) -> bool:
                seen.extend(os.read(ours, 10_000))
                return text in seen

            eventually(lambda: has(b"Connecting to database..."))
            fifo.write(b"go\n")
            eventually(lambda: has(b"2 %"))
            following.terminate()
        os.close(ours)
        assert b"\r\x1b[K" in seen.partition(b"Connecting")[2].partition(b"Connecting to database... done")[0]
