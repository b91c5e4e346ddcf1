"""What is kept of jobs over a restart of the manager."""

import os
from pathlib import Path

import msgspec
import pytest

from pmtui.monitors.jobs import journal
from pmtui.monitors.jobs.journal import Journal
from pmtui.text.timestamps import now_ms
from tests.fake_control import job_run

NOW = now_ms()


async def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    written = Journal(path)
    written.mark_due("a", "@daily", NOW)
    written.mark_end("a", job_run(run=1))
    written.mark_due("b", "@daily", NOW)
    written.mark_stopped("b")
    written.mark_end("a", job_run(run=2, reason="deadline"))
    await written.close()
    assert path.stat().st_mode & 0o777 == 0o600
    read = Journal(path).records
    assert (read["a"].due, read["a"].key, {*read}) == (NOW, "@daily", {"a"})
    assert [*read["a"].runs] == [job_run(run=1), job_run(run=2, reason="deadline")]


async def test_half_a_line_and_foreign_text_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b'\xff\xfe\nnull\n{"id":"a","due":%d,"key":"k"}\n{"id":"a","due":20' % NOW)
    read = Journal(path)
    assert read.records["a"].due == NOW
    read.mark_due("a", "k", NOW + 1)
    await read.close()
    assert Journal(path).records["a"].due == NOW + 1


@pytest.mark.parametrize("due", [-(9 * 10**18), 9 * 10**18, 253_402_300_799_000, "soon"])
@pytest.mark.parametrize("start_time", ["", "yesterday", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
async def test_times_that_cannot_be_are_skipped(tmp_path: Path, due: object, start_time: str) -> None:
    path = tmp_path / "jobs.jsonl"
    run = msgspec.to_builtins(job_run(start_time=start_time))
    lines = [{"id": "due", "due": due, "key": "k"}, {"id": "run", "run": run}, {"id": "good", "due": NOW, "key": "k"}]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    assert {*Journal(path).records} == {"good"}


async def test_of_a_huge_file_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    with path.open("wb") as file:
        file.seek(1 << 36)
        file.write(b'\n{"id":"a","due":%d,"key":"k"}\n' % NOW)
    assert Journal(path).records["a"].due == NOW


async def test_a_fifo_in_its_place_blocks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    os.mkfifo(path)
    written = Journal(path)
    written.mark_due("a", "k", NOW)
    await written.close()
    assert written.records["a"].due == NOW


async def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    written = Journal(path)
    written.mark_due("a", "k", NOW)
    for number in range(20_000):
        written.mark_end("a", job_run(run=number))
        if number % 1000 == 0:
            await written.close()
    await written.close()
    assert path.stat().st_size < journal.MAX_GROWTH_BYTES * 1.5
    assert [run.run for run in Journal(path).records["a"].runs] == [*range(19_950, 20_000)]
    assert os.listdir(tmp_path) == ["jobs.jsonl"]


async def test_a_link_is_not_followed_and_a_failure_is_no_error(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    path = tmp_path / "jobs.jsonl"
    path.symlink_to(target)
    written = Journal(path)
    written.mark_due("a", "k", 1000)
    await written.close()
    assert target.read_text() == "precious"
    assert written.records["a"].due == 1000


async def test_a_job_that_is_long_gone_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    written = Journal(path)
    written.mark_due("old", "k", NOW - journal.MAX_AGE_MS - 1000)
    written.mark_due("yearly", "k", NOW - 365 * 86400 * 1000)
    await written.close()
    assert {*Journal(path).records} == {"yearly"}


async def test_a_file_that_was_removed_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "data/jobs.jsonl"
    written = Journal(path)
    written.mark_due("a", "k", NOW)
    await written.close()
    path.unlink()
    path.parent.rmdir()
    written.mark_due("b", "k", NOW)
    await written.close()
    assert {*Journal(path).records} == {"a", "b"}
