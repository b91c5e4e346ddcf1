"""Endings of real programs, each a file in endings/: the reason, an empty line, then what the program wrote."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pmtui.logs.failures.reason import OutputLine, failure_reason

ENDINGS = sorted((Path(__file__).parent / "endings").glob("*.txt"))


def output_lines(text: str) -> list[OutputLine]:
    return [("stderr" if line.startswith("err|") else "stdout", line[5:]) for line in text.splitlines()]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.stem)
def test_the_reason_is_the_message_of_the_exception(ending: Path) -> None:
    reason, _, output = ending.read_text().partition("\n\n")
    assert failure_reason(output_lines(output)) == reason


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.stem)
def test_log_lines_after_the_end_change_nothing(ending: Path) -> None:
    reason, _, output = ending.read_text().partition("\n\n")
    late: list[OutputLine] = [("stderr", "INFO:root:shutting down cleanly"), ("stdout", "INFO: goodbye")]
    assert failure_reason([*output_lines(output), *late]) == reason


PROGRAMS = {
    "python": (["python3", "-c", "raise ValueError('no queue')"], "ValueError: no queue"),
    "python, SystemExit": (["python3", "-c", "raise SystemExit('no queue')"], "no queue"),
    "python, syntax": (["python3", "-c", "if x"], "SyntaxError: expected ':'"),
    "node": (["node", "-e", "throw new Error('no queue')"], "Error: no queue"),
    "node, rejection": (["node", "-e", "Promise.reject(new RangeError('no queue'))"], "RangeError: no queue"),
    "node, module": (["node", "-e", "require('nope')"], "Error: Cannot find module 'nope'"),
    "npx": (["npm", "exec", "--offline", "--", "node", "-e", "throw new Error('no queue')"], "Error: no queue"),
    "sh": (["sh", "-c", "no-such-program"], "no-such-program: not found"),
    "bash": (["bash", "-c", "set -u; echo $NO_QUEUE"], "NO_QUEUE: unbound variable"),
    "perl": (["perl", "-e", "die 'no queue'"], "no queue at -e line 1."),
    "ruby": (["ruby", "-e", "raise ArgumentError, 'no queue'"], "no queue (ArgumentError)"),
    "php": (["php", "-r", "throw new Exception('no queue');"], "Exception: no queue in Command line code:1"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_reason_is_found_in_what_the_installed_program_prints(program: str, tmp_path: Path) -> None:
    argv, reason = PROGRAMS[program]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    ended = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, stdin=subprocess.DEVNULL)
    lines: list[OutputLine] = [("stdout", line) for line in ended.stdout.splitlines()]
    lines += [("stderr", line) for line in ended.stderr.splitlines()]
    assert ended.returncode != 0
    assert failure_reason(lines).endswith(reason)


def test_without_an_exception_it_is_the_last_line_with_words() -> None:
    lines: list[OutputLine] = [
        ("stderr", "one"),
        ("stdout", "two"),
        ("stderr", "the queue is gone"),
        ("stderr", "-- 12 --"),
    ]
    assert failure_reason(lines) == "the queue is gone"


def test_it_is_looked_for_on_stdout_if_stderr_says_nothing() -> None:
    assert failure_reason([("stdout", "starting"), ("stdout", "no port"), ("stderr", "  ")]) == "no port"


def test_a_fatal_record_on_stdout_goes_before_a_plain_line_on_stderr() -> None:
    lines: list[OutputLine] = [("stdout", '{"level":"fatal","msg":"no database"}'), ("stderr", "see the manual")]
    assert failure_reason(lines) == "no database"


def test_an_error_that_is_long_past_is_not_the_reason() -> None:
    lines: list[OutputLine] = [("stderr", "Traceback (most recent call last):"), ("stderr", "ValueError: handled")]
    lines += [("stdout", f"request {number}") for number in range(60)]
    assert failure_reason([*lines, ("stderr", "disk is full")]) == "disk is full"


def test_there_is_none_without_words() -> None:
    assert failure_reason([]) == failure_reason([("stderr", ""), ("stdout", "--- 1 ---")]) == ""


def test_a_hostile_line_takes_no_time() -> None:
    started = time.process_time()
    for line in ("$" * 50_000, "a." * 50_000, "[" * 50_000, "x:1:in `" * 9_000, "a=" * 40_000, '{"a":' * 20_000):
        failure_reason([("stderr", line), ("stderr", "    at x (y:1)"), ("stdout", line)] * 20)
    assert time.process_time() - started < 5
