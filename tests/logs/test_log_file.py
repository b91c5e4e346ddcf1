import os
import re
import time
from pathlib import Path

import pytest

from pmtui.config.model import LogSettings
from pmtui.logs.files.log_file import LineBatch, LogFile, groups
from tests.eventually import DEADLINE

BARE = LogSettings(timestamps=False)


def piece(first: int, *lines: bytes) -> LineBatch:
    data = b"".join(line + b"\n" for line in lines)
    return LineBatch(first, len(lines), len(data), (data,))


def contents(file: LogFile) -> list[bytes]:
    return [path.read_bytes() for path in [*file.archives(), file.path]]


def test_a_file_is_rotated_before_it_exceeds_its_size(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=20, timestamps=False))
    for number in range(1, 6):
        file.write([piece(number, b"12345678%d" % number)])
    assert contents(file) == [b"123456781\n123456782\n", b"123456783\n123456784\n", b"123456785\n"]


def test_a_chunk_larger_than_a_file_is_divided_between_lines(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=20, timestamps=False))
    file.write([piece(1, b"123", b"4567", b"x" * 30, b"89", b"0")])
    assert contents(file) == [b"123\n4567\n", b"x" * 30 + b"\n", b"89\n0\n"]
    assert file.last == 5


def test_archives_have_their_time_in_the_name_and_sort_by_age(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=3, keep=50, timestamps=False))
    for number in range(30):
        file.write([piece(number, b"%02d" % number)])
    names = [path.name for path in file.archives()]
    assert names == sorted(names)
    assert all(re.fullmatch(r"web-stdout-\d{8}-\d{6}(-\d{3})?\.log", name) for name in names)
    assert b"".join(contents(file)) == b"".join(b"%02d\n" % number for number in range(30))


def test_the_newest_archives_are_kept(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=3, keep=2, timestamps=False))
    for number in range(20):
        file.write([piece(number, b"%02d" % number)])
    assert contents(file) == [b"17\n", b"18\n", b"19\n"]


def test_keep_zero_keeps_no_archive(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=3, keep=0, timestamps=False))
    file.write([piece(1, b"01", b"02", b"03")])
    assert contents(file) == [b"03\n"]


def test_without_a_size_nothing_is_rotated(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=0, timestamps=False))
    file.write([piece(1, b"x" * 100_000), piece(2, b"y")])
    assert [len(data) for data in contents(file)] == [100_003]


def test_archives_of_other_processes_are_left_alone(tmp_path: Path) -> None:
    names = ["web-stdout-stdout-20200101-000000.log", "web-20200101-000000.log", "web-stdout-20200101-000000.log.gz"]
    for name in [*names, "web-stdout-20200101-000000.log"]:
        (tmp_path / name).write_text("old")
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=3, keep=1, timestamps=False))
    file.write([piece(1, b"01", b"02")])
    assert not (tmp_path / "web-stdout-20200101-000000.log").exists()
    assert all((tmp_path / name).exists() for name in names)


def test_a_removed_file_is_recreated(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", BARE)
    file.write([piece(1, b"old")])
    file.path.unlink()
    file.write([piece(2, b"new")])
    assert contents(file) == [b"new\n"]


def test_a_removed_directory_is_recreated(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "logs"
    file = LogFile(folder, "web-stdout", BARE)
    file.write([piece(1, b"old")])
    file.path.unlink()
    folder.rmdir()
    folder.parent.rmdir()
    file.write([piece(2, b"new")])
    assert contents(file) == [b"new\n"]


def test_an_emptied_file_is_continued_from_its_beginning(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web-stdout", LogSettings(max_size=10, timestamps=False))
    file.write([piece(1, b"12345678")])
    os.truncate(file.path, 0)
    file.write([piece(2, b"abcdefgh")])
    assert contents(file) == [b"abcdefgh\n"]


def test_a_line_that_the_last_manager_left_unfinished_is_ended(tmp_path: Path) -> None:
    (tmp_path / "web-stdout.log").write_bytes(b"half a li")
    file = LogFile(tmp_path, "web-stdout", BARE)
    file.write([piece(1, b"whole")])
    assert contents(file) == [b"half a li\nwhole\n"]


@pytest.mark.parametrize("obstacle", ["symlink", "fifo", "folder"])
def test_a_path_that_is_not_a_regular_file_is_not_written(tmp_path: Path, obstacle: str) -> None:
    path, victim = tmp_path / "web-stdout.log", tmp_path / "victim"
    victim.write_text("precious")
    if obstacle == "symlink":
        path.symlink_to(victim)
    elif obstacle == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    file = LogFile(tmp_path, "web-stdout", BARE)
    started = time.monotonic()
    file.write([piece(1, b"lost")])
    assert time.monotonic() - started < DEADLINE
    assert file.error
    assert file.dropped == 5
    assert victim.read_text() == "precious"


def test_a_loss_is_noted_where_it_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.files.log_file.RETRY_DELAY", 0.0)
    os.mkfifo(tmp_path / "web-stdout.log")
    file = LogFile(tmp_path, "web-stdout", BARE)
    file.write([piece(1, b"lost", b"too")])
    file.write([piece(3, b"gone")])
    file.path.unlink()
    file.write([piece(4, b"back")])
    assert contents(file) == [
        b"[pmtui] 3 lines (14 bytes) are missing here: is not a regular file; remove it\nback\n",
    ]
    assert (file.error, file.dropped) == (None, 14)


def test_writing_is_not_retried_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmtui.logs.files.log_file.RETRY_DELAY", DEADLINE)
    os.mkfifo(tmp_path / "web-stdout.log")
    file = LogFile(tmp_path, "web-stdout", BARE)
    file.write([piece(1, b"lost")])
    file.path.unlink()
    file.write([piece(2, b"lost too")])
    assert not file.path.exists()
    assert file.dropped == 14


def test_a_group_fits_into_one_system_call() -> None:
    batch = [piece(number, b"x" * 1000) for number in range(5000)]
    parts = list(groups(batch))
    assert [one for part in parts for one in part] == batch
    assert max(len(part) for part in parts) <= 256
    assert max(sum(one.size for one in part) for part in parts) < 2 << 20
