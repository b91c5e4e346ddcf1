import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmtui.logs.console import MAX_CONCURRENT_FLOODS, ConsoleLog, Format, OutputRecord, as_text
from pmtui.text.timestamps import rfc3339
from tests.eventually import DEADLINE, eventually

MS = 1_795_194_000_123


def bridged(format: Format, process_id: str, stream: str, data: bytes) -> str:
    reading, writing = os.pipe()
    console_log = ConsoleLog(writing, format)
    console_log.chunk(process_id, "stderr" if stream == "stderr" else "stdout", MS, data, data.count(b"\n"))
    console_log.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as out:
        return out.read().decode()


def test_text_lines_have_time_level_process_and_stream() -> None:
    assert bridged("text", "ai-agent", "stdout", b"Hello\nWorld\n") == (
        f"{rfc3339(MS)} INFO  [ai-agent][STDOUT] Hello\n{rfc3339(MS)} INFO  [ai-agent][STDOUT] World\n"
    )
    assert bridged("text", "ai-agent", "stderr", b"no\n") == f"{rfc3339(MS)} ERROR [ai-agent][STDERR] no\n"


def test_control_sequences_are_removed() -> None:
    text = bridged("text", "web", "stdout", b"a\x1b]52;c;aGk=\x07b\x1b[2Jc\xffd\x00e\xc2\x9bf\tg\n\n")
    assert text == f"{rfc3339(MS)} INFO  [web][STDOUT] abc\ufffdde\tg\n{rfc3339(MS)} INFO  [web][STDOUT] \n"


def test_json_is_one_object_per_line() -> None:
    lines = bridged("json", "web", "stderr", b'say "hi"\n\xff\x00\n').splitlines()
    assert [json.loads(line) for line in lines] == [
        {"time": rfc3339(MS), "level": "ERROR", "id": "web", "text": 'say "hi"', "stream": "stderr"},
        {"time": rfc3339(MS), "level": "ERROR", "id": "web", "text": "\ufffd", "stream": "stderr"},
    ]


def test_messages_of_the_manager_are_printed() -> None:
    reading, writing = os.pipe()
    console_log = ConsoleLog(writing)
    console_log.line("INFO", "3 processes started")
    console_log.close()
    text = os.read(reading, 1000).decode()
    assert re.fullmatch(r"\S+Z INFO  \[pmtui\] 3 processes started\n", text)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_only_a_terminal_gets_colors(monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    console_log = ConsoleLog(theirs)
    console_log.chunk("web", "stderr", MS, b"\x1b[1mno\n", 1)
    console_log.close()
    text = b""
    while not text.endswith(b"\n"):
        text += os.read(ours, 1000)
    assert (b"\x1b" in text) is coloured
    assert text.rstrip().endswith(b"\x1b[1mno\x1b[0m" if coloured else b"[web][STDERR] no")
    os.close(ours)
    os.close(theirs)


def test_a_stalled_reader_costs_lines_but_no_time() -> None:
    reading, writing = os.pipe()
    console_log = ConsoleLog(writing)
    started = time.monotonic()
    for number in range(1000):
        console_log.chunk(f"web-{number % 20}", "stdout", MS + number, b"x" * 9_999 + b"\n", 1)
    assert time.monotonic() - started < DEADLINE
    with ThreadPoolExecutor() as pool, os.fdopen(reading, "rb") as out:
        text = pool.submit(out.read)
        console_log.close()
        os.close(writing)
    missing = re.search(rb"\[pmtui\] (\d+) lines not shown here \(slow reader\)\n\Z", text.result())
    assert missing
    assert int(missing[1]) + text.result().count(b"][STDOUT]") == 1000


def test_bulk_output_of_one_process_is_limited_and_reported() -> None:
    reading, writing = os.pipe()
    console_log = ConsoleLog(writing)
    for number in range(1000):
        console_log.chunk("flood", "stdout", MS, b"x" * 9_999 + b"\n", 1)
        if number % 100 == 0:
            console_log.chunk("web", "stdout", MS, b"hello\n", 1)
    with ThreadPoolExecutor() as pool, os.fdopen(reading, "rb") as out:
        text = pool.submit(out.read)
        console_log.chunk("flood", "stdout", MS + 1000, b"ebb\n", 1)
        console_log.close()
        os.close(writing)
    held_back = re.search(
        rb"\[pmtui\] flood: (\d+) lines not shown here \(output rate limit\); see its log file\n", text.result()
    )
    assert held_back
    assert int(held_back[1]) + text.result().count(b"[flood][STDOUT]") == 1001
    assert text.result().count(b"[web][STDOUT] hello\n") == 10


def test_the_output_of_many_processes_is_limited_in_total(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.console.BURST_BYTES", 100_000)
    with (tmp_path / "out").open("wb") as out:
        console_log = ConsoleLog(out.fileno())
        for number in range(400):
            console_log.chunk(f"web-{number % 100}", "stdout", MS, b"x" * 9_999 + b"\n", 1)
        console_log.close()
    text = (tmp_path / "out").read_bytes()
    printed = text.count(b"][STDOUT]")
    assert printed == MAX_CONCURRENT_FLOODS * 100_000 // 10_000 + 1
    assert printed + sum(map(int, re.findall(rb"web-\d+: (\d+) lines not shown here", text))) == 400


def test_a_stalled_reader_does_not_delay_the_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.console._FLUSH_TIMEOUT", 0.1)
    reading, writing = os.pipe()
    console_log = ConsoleLog(writing)
    console_log.chunk("web", "stdout", MS, b"x" * 200_000 + b"\n", 1)
    started = time.monotonic()
    console_log.close()
    assert time.monotonic() - started < DEADLINE
    os.close(reading)
    eventually(console_log._worker.has_ended)
    os.close(writing)


def test_a_busy_machine_costs_no_lines_at_the_exit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.console._FLUSH_TIMEOUT", 0.0)

    def late(record: OutputRecord) -> bytes:
        time.sleep(0.3)
        return as_text(record)

    with (tmp_path / "out").open("wb") as out:
        console_log = ConsoleLog(out.fileno(), late)
        console_log.line("INFO", "goodbye")
        console_log.close()
    assert (tmp_path / "out").read_bytes().endswith(b"goodbye\n")


def test_a_closed_output_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    console_log = ConsoleLog(writing)
    console_log.line("INFO", "to nobody")
    console_log.close()
    console_log.line("INFO", "nor this")
    os.close(writing)


def test_a_part_of_a_line_that_is_too_long_is_marked_in_json(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as out:
        bridge = ConsoleLog(out.fileno(), "json")
        for data, cut in ((b"aaa\n", True), (b"b\n", False)):
            bridge.chunk("web", "stdout", MS, data, 1, cut)
        bridge.close()
    lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [(line["text"], line.get("cut", False)) for line in lines] == [("aaa", True), ("b", False)]
