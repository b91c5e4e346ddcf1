import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pmtui.history.columns import Sample
from pmtui.history.errors import HistoryError
from pmtui.history.recorder import Recorder
from pmtui.history.records import Tick
from pmtui.history.store import HistoryStore
from tests.eventually import DEADLINE
from tests.history.support import START, Clock, event

LAZY = """
import sys
import threading
import pmtui.history.recorder, pmtui.control
from pathlib import Path
recorder = pmtui.history.recorder.Recorder(Path("nowhere"), max_size=1 << 20, keep=60)
sys.exit("sqlite3" in sys.modules)
"""


def recorder(path: Path) -> Recorder:
    return Recorder(path, max_size=1 << 20, keep=86_400, clock=Clock())


def sequence(store: HistoryStore) -> list[int]:
    return [found.seq for found in store.events("web", 0, 1 << 60, 10_000)]


def cpu(store: HistoryStore) -> list[float | None]:
    return [*store.series("web", START * 1000, (START + 20) * 1000, 300).cpu]


async def test_an_answer_knows_all_that_was_recorded_before(tmp_path: Path) -> None:
    recording = recorder(tmp_path / "history.db")
    for seq in range(100):
        recording.record([event(seq=seq, moment=START + seq)])
        if seq % 10 == 0:
            assert await recording.ask(sequence) == [*range(seq + 1)]
    recording.record([Tick(START, {"web": Sample(5.0)})])
    assert await recording.ask(cpu) == [5.0, None]
    await asyncio.to_thread(recording.close)


async def test_what_was_recorded_is_written_before_the_end(tmp_path: Path) -> None:
    recording = recorder(tmp_path / "history.db")
    recording.record([event(seq=seq) for seq in range(50)])
    await asyncio.to_thread(recording.close)
    again = recorder(tmp_path / "history.db")
    assert await again.ask(sequence) == [*range(50)]
    await asyncio.to_thread(again.close)
    assert os.listdir(tmp_path) == ["history.db"]


async def test_a_file_that_cannot_be_written_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.db"
    path.mkdir()
    recording = recorder(path)
    for seq in range(5):
        recording.record([event(seq=seq)])
        with pytest.raises(HistoryError, match="is not a file; remove it"):
            await recording.ask(sequence)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    path.rmdir()
    assert await recording.ask(sequence) == [0, 1, 2, 3, 4]
    await asyncio.to_thread(recording.close)
    assert len(caplog.records) == 1


async def test_another_problem_later_is_warned_of_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "history.db"
    recording = recorder(path)
    for _ in range(2):
        path.mkdir()
        with pytest.raises(HistoryError):
            await recording.ask(sequence)
        path.rmdir()
        assert await recording.ask(sequence) == []
        for name in os.listdir(tmp_path):
            (tmp_path / name).unlink()
    assert [record.message.count("is not a file") for record in caplog.records].count(1) == 2
    await asyncio.to_thread(recording.close)


async def test_a_lock_of_another_program_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    recording = recorder(path)
    recording.record([event(seq=1)])
    await recording.ask(sequence)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    recording.record([event(seq=2)])
    with pytest.raises(HistoryError, match="locked"):
        await recording.ask(sequence)
    other.close()
    recording.record([event(seq=3)])
    assert await recording.ask(sequence) == [1, 2, 3]
    await asyncio.to_thread(recording.close)


async def test_a_wrong_question_harms_no_other(tmp_path: Path) -> None:
    recording = recorder(tmp_path / "history.db")

    def fail(store: HistoryStore) -> None:
        raise KeyError(store.path.name)

    with pytest.raises(KeyError):
        await recording.ask(fail)
    assert await recording.ask(sequence) == []
    await asyncio.to_thread(recording.close)


async def test_a_question_that_nobody_waits_for_is_left_out(tmp_path: Path) -> None:
    recording = recorder(tmp_path / "history.db")
    go_on = threading.Event()
    asked: list[int] = []
    busy = asyncio.ensure_future(recording.ask(lambda store: go_on.wait(DEADLINE)))
    question = asyncio.ensure_future(recording.ask(lambda store: asked.append(1)))
    await asyncio.sleep(0)
    question.cancel()
    await asyncio.gather(question, return_exceptions=True)
    go_on.set()
    assert await busy
    assert await recording.ask(sequence) == []
    assert asked == []
    await asyncio.to_thread(recording.close)


def test_nothing_is_loaded_before_there_is_something_to_record() -> None:
    assert subprocess.run([sys.executable, "-c", LAZY], check=False).returncode == 0
