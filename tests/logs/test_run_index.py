import os
from collections.abc import Callable
from pathlib import Path

from pmtui.logs.files.run_index import RunIndex, RunRecord, run_at, run_of

MS = 1_795_176_000_123


def test_runs_are_remembered(tmp_path: Path) -> None:
    file = RunIndex(tmp_path / "web.runs")
    file.add(RunRecord(1, MS, 1))
    file.add(RunRecord(2, MS + 1000, 30))
    assert file.load() == [RunRecord(1, MS), RunRecord(2, MS + 1000)]
    assert (tmp_path / "web.runs").read_text() == "1 2026-11-20T12:00:00.123Z\n2 2026-11-20T12:00:01.123Z\n"


def test_the_file_stays_small(tmp_path: Path) -> None:
    file = RunIndex(tmp_path / "web.runs")
    for number in range(5000):
        file.add(RunRecord(number, MS + number, 1))
    runs = file.load()
    assert os.path.getsize(tmp_path / "web.runs") < 70_000
    assert [run.number for run in runs] == list(range(runs[0].number, 5000))


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "web.runs"
    path.write_bytes(b"\xff\n7\nx y\n8 yesterday\n9 2026-11-20T12:00:00.123Z\n")
    assert RunIndex(path).load() == [RunRecord(9, MS)]


def test_a_path_that_is_not_a_regular_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "web.runs"
    makers: list[Callable[[], None]] = [lambda: os.mkfifo(path), path.mkdir, lambda: path.symlink_to("victim")]
    for make in makers:
        make()
        RunIndex(path).add(RunRecord(1, MS, 1))
        assert RunIndex(path).load() == []
        path.rmdir() if path.is_dir() else path.unlink()
    assert not (tmp_path / "victim").exists()


def test_a_time_or_a_line_belongs_to_the_newest_run_before_it() -> None:
    runs = [RunRecord(1, MS, 1), RunRecord(2, MS + 10, 5), RunRecord(3, MS + 20, 5)]
    assert [run_at(runs, ms) for ms in (MS - 1, MS, MS + 9, MS + 10, MS + 99)] == [0, 1, 1, 2, 3]
    assert [run_of(runs, seq) for seq in (0, 1, 4, 5, 99)] == [0, 1, 1, 3, 3]
