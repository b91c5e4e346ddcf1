import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pmtui.history.columns import STEP, Sample
from pmtui.history.database import file_bytes
from pmtui.history.errors import HistoryError
from pmtui.history.records import RunEnd, Tick
from tests.history.support import DAY, HOUR, START, Kept, event, kept

__all__ = ["kept"]

KILLED = """
import os, signal, sys
from pathlib import Path
from pmtui.history.columns import Sample
from pmtui.history.records import EventRecord, Tick
from pmtui.history.store import HistoryStore

start = int(sys.argv[2])
store = HistoryStore(Path(sys.argv[1]), max_size=1 << 20, keep=86400, clock=lambda: float(start))
store.write([Tick(start, {"web": Sample(5.0, 4096, 1.5)}), EventRecord("web", start * 1000, 1, "a", "b", "why")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def ramp(moment: float) -> Sample:
    """A figure that tells its moment, and memory that does the same."""
    return Sample(float((moment - START) // STEP % 1000), int(moment - START) // 60 * 4096, 2.5)


def test_a_sample_is_kept_over_restarts(kept: Kept) -> None:
    kept.record(30, ramp)
    kept.store.close()
    kept.reopen()
    series = kept.store.series("web", START * 1000, (START + 40) * 1000, 300)
    assert series == (10, [0.0, 1.0, 2.0, None], [0, 0, 0, None], [2.5, 2.5, 2.5, None])


def test_a_sample_is_kept_if_its_manager_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    killed = subprocess.run([sys.executable, "-c", KILLED, path, str(START)], check=False)
    assert killed.returncode == -signal.SIGKILL
    kept = Kept(path, 1 << 20, DAY)
    assert kept.cpu(START, START + 10) == [5.0]
    assert [found.reason for found in kept.store.events("web", 0, (START + 1) * 1000, 10)] == ["why"]


def test_the_figures_stay_the_same_when_their_hour_is_packed(kept: Kept) -> None:
    kept.record(HOUR, ramp)
    before = [kept.store.series("web", (START + 5) * 1000, (START + HOUR) * 1000, points) for points in (7, 300, 999)]
    kept.record(10, ramp)
    assert tables(kept.path) == {"ticks": 1, "samples": 1, "minutes": 1, "events": 0}
    after = [kept.store.series("web", (START + 5) * 1000, (START + HOUR) * 1000, points) for points in (7, 300, 999)]
    assert after == before
    assert after[2].cpu == [*map(float, range(1, 360)), None]


def test_a_range_is_read_from_packed_and_unpacked_hours(kept: Kept) -> None:
    kept.record(2 * HOUR + 600, ramp, ("web", "api"))
    figures = kept.cpu(START, START + 2 * HOUR + 600)
    assert figures == [float(number) for number in range(780)]
    assert kept.cpu(START, START + 2 * HOUR + 600, process_id="unknown") == [None] * 780


def test_a_sample_of_this_second_is_found(kept: Kept) -> None:
    kept.record(10, ramp)
    assert kept.cpu(START - 20, START + 0.001) == [None, None, 0.0]


def test_a_process_that_does_not_run_has_no_figures(kept: Kept) -> None:
    kept.record(20, ramp)
    kept.record(20, ramp, ("other",))
    kept.record(20, ramp)
    assert kept.cpu(START, START + 60) == [0.0, 1.0, None, None, 4.0, 5.0]


def test_after_a_day_there_are_figures_by_the_minute(kept: Kept) -> None:
    kept.record(2 * HOUR, ramp)
    kept.clock.now = START + DAY + 3 * HOUR
    kept.record(10, ramp)
    assert tables(kept.path) == {"ticks": 1, "samples": 0, "minutes": 2, "events": 0}
    series = kept.store.series("web", START * 1000, (START + 2 * HOUR) * 1000, 10_000)
    assert series.step == 60
    assert series.cpu == [2.5 + 6 * number for number in range(120)]
    assert series.memory == [number * 4096 for number in range(120)]


def test_a_range_of_more_than_a_day_has_the_newest_hour_too(kept: Kept) -> None:
    kept.record(10, ramp)
    kept.clock.now = START + 2 * DAY
    kept.record(120, lambda moment: Sample(50.0))
    series = kept.store.series("web", START * 1000, (START + 2 * DAY + 120) * 1000, 10_000)
    assert series.step == 60
    assert (series.cpu[0], series.cpu[-3:]) == (0.0, [None, 50.0, 50.0])


def test_nothing_is_kept_longer_than_asked_for(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history.db", keep=2 * DAY)
    kept.record(600, ramp)
    kept.store.write([event(moment=START)])
    kept.clock.now = START + DAY
    kept.store.write([event(moment=START + DAY, seq=2)])
    kept.clock.now = START + 2 * DAY + 2 * HOUR
    kept.record(10, ramp, ("other",))
    assert kept.cpu(START, START + 600) == [None] * 10
    assert [found.seq for found in kept.store.events("web", 0, 1 << 60, 10)] == [2]
    kept.clock.now += 5 * DAY
    kept.record(10, ramp, ("other",))
    assert ids(kept.path) == ["other"]


def test_a_clock_that_is_set_back_loses_nothing(kept: Kept) -> None:
    kept.record(HOUR + 10, ramp)
    kept.clock.now = START + 600
    kept.record(10, lambda moment: Sample(77.0))
    kept.clock.now = START + 2 * HOUR
    kept.record(10, ramp)
    assert kept.cpu(START, START + HOUR) == [77.0 if place == 60 else float(place) for place in range(360)]


def test_an_event_that_ends_a_run_has_its_last_words(kept: Kept) -> None:
    words = ("Traceback", "KeyError: 'ü' \udce4")
    ended = event(end=RunEnd(None, "SIGKILL", words), seq=2)
    kept.store.write([event(), ended])
    assert kept.store.events("web", START * 1000, START * 1000 + 1, 10) == [
        event(),
        ended._replace(run_end=RunEnd(None, "SIGKILL", ("Traceback", "KeyError: 'ü' ?"))),
    ]


def test_the_newest_events_of_a_range_come_oldest_first(kept: Kept) -> None:
    kept.store.write([event(moment=START + number, seq=number) for number in range(10)])
    kept.store.write([event("other", START, 99)])
    found = kept.store.events("web", (START + 2) * 1000, (START + 8) * 1000, 3)
    assert [one.seq for one in found] == [5, 6, 7]


def test_an_event_is_kept_once(kept: Kept) -> None:
    kept.store.write([event(), event()])
    kept.store.write([event()])
    assert len(kept.store.events("web", 0, 1 << 60, 10)) == 1


def test_the_file_is_for_its_owner(kept: Kept) -> None:
    kept.record(10, ramp)
    assert {path.stat().st_mode & 0o777 for path in kept.path.parent.glob("history.db*")} == {0o600}


def test_the_file_stays_below_its_limit(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history.db", max_size=1 << 20)
    chance = random.Random(1)
    names = tuple(f"p{number}" for number in range(60))
    largest = 0
    for _ in range(3 * HOUR // STEP):
        samples = {name: Sample(chance.random() * 100, chance.randrange(1 << 30), chance.random()) for name in names}
        kept.store.write([Tick(int(kept.clock.now), samples)])
        kept.clock.now += STEP
        largest = max(largest, file_bytes(kept.path))
    assert largest <= 1 << 20
    newest = kept.clock.now - STEP
    assert None not in kept.cpu(newest - 600, newest, process_id="p0")


def test_a_process_that_crashes_all_the_time_drives_out_no_other(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history.db", max_size=1 << 20)
    kept.store.write([event("calm", START + number, number) for number in range(20)])
    words = RunEnd(1, None, ("x" * 200,) * 10)
    for first in range(0, 5000, 100):
        kept.store.write([event("mad", START + seq, seq, words) for seq in range(first, first + 100)])
    assert file_bytes(kept.path) <= 1 << 20
    assert len(kept.store.events("calm", 0, 1 << 60, 100)) == 20
    mad = kept.store.events("mad", 0, 1 << 60, 10_000)
    assert [one.seq for one in mad] == [*range(5000 - len(mad), 5000)]
    assert len(mad) > 50


def test_a_lower_limit_makes_the_file_smaller(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    kept = Kept(path)
    words = RunEnd(1, None, ("x" * 200,) * 10)
    kept.store.write([event("mad", START + seq, seq, words) for seq in range(2000)])
    kept.store.close()
    assert file_bytes(path) > 4 << 20
    kept = Kept(path, max_size=1 << 20)
    kept.record(10, ramp)
    kept.store.close()
    assert file_bytes(path) <= 1 << 20
    assert kept.store.events("mad", 0, 1 << 60, 1)[0].seq == 1999


def test_another_program_may_read_the_file(kept: Kept) -> None:
    kept.record(30, ramp)
    with sqlite3.connect(kept.path) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM ticks").fetchone() == (3,)
        kept.record(30, ramp)
        assert other.execute("SELECT count(*) FROM ticks").fetchone() == (3,)
    other.close()
    assert kept.cpu(START, START + 60) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_reader_that_never_ends_does_not_make_the_log_grow_for_ever(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history.db", max_size=1 << 20)
    kept.record(10, ramp)
    with sqlite3.connect(kept.path) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM ticks").fetchall()
        with pytest.raises(HistoryError, match="another program reads"):
            fill(kept)
        assert file_bytes(kept.path) < 2 << 20
    other.close()
    kept.store.write([event(seq=5000)])
    assert file_bytes(kept.path) <= 1 << 20


# what can be wrong with the file


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace_by_another_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE precious (thing TEXT)")
    other.close()


@pytest.mark.parametrize("spoil", [overwrite, damage, truncate, replace_by_another_database])
def test_a_file_that_cannot_be_read_is_set_aside(kept: Kept, spoil: object, caplog: pytest.LogCaptureFixture) -> None:
    kept.record(HOUR + 60, ramp)
    kept.store.close()
    assert callable(spoil)
    spoil(kept.path)
    content = kept.path.read_bytes()
    kept.reopen()
    kept.record(10, ramp)
    broken = kept.path.with_name("history.db.broken")
    assert broken.read_bytes() == content
    assert [figure for figure in kept.cpu(START, START + 2 * HOUR) if figure is not None] == [366.0]
    assert [record.message.count("history.db.broken") for record in caplog.records] == [1]


def test_damage_while_the_file_is_open_is_noticed(kept: Kept) -> None:
    words = RunEnd(1, None, ("x" * 200,) * 10)
    kept.store.write([event(moment=START + seq, seq=seq, end=words) for seq in range(500)])
    with sqlite3.connect(kept.path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    overwrite(kept.path)
    assert kept.store.events("web", 0, 1 << 60, 1000) == []
    assert kept.path.with_name("history.db.broken").exists()
    kept.store.write([event(seq=7)])
    assert [one.seq for one in kept.store.events("web", 0, 1 << 60, 1000)] == [7]


def test_a_damaged_block_is_a_gap(kept: Kept) -> None:
    kept.record(2 * HOUR + 10, ramp)
    assert kept.store._database
    change = "UPDATE samples SET data = x'00' WHERE key >> 32 = ?"
    kept.store._database.connection.execute(change, [START // HOUR])
    assert kept.cpu(START, START + 2 * HOUR) == [None] * 360 + [float(number) for number in range(360, 720)]


@pytest.mark.parametrize("suffixes", [["", "-wal", "-shm"], [""], ["-wal"]])
def test_a_removed_file_is_made_again(kept: Kept, suffixes: list[str]) -> None:
    kept.record(30, ramp)
    for suffix in suffixes:
        Path(f"{kept.path}{suffix}").unlink()
    kept.record(20, ramp)
    assert kept.path.exists()
    assert kept.cpu(START + 30, START + 50) == [3.0, 4.0]
    kept.store.close()
    kept.reopen()
    assert kept.cpu(START + 30, START + 50) == [3.0, 4.0]


def test_a_removed_directory_is_made_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "data/history.db")
    kept.record(10, ramp)
    for path in kept.path.parent.iterdir():
        path.unlink()
    kept.path.parent.rmdir()
    kept.record(10, ramp)
    assert kept.cpu(START, START + 20) == [None, 1.0]
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_never_followed(kept: Kept, suffix: str, exists: bool) -> None:
    victim = kept.path.with_name("victim")
    if exists:
        victim.write_bytes(b"precious")
    Path(f"{kept.path}{suffix}").symlink_to(victim)
    with pytest.raises(HistoryError, match=f"history.db{suffix} is a symbolic link; remove it"):
        kept.record(10, ramp)
    assert (victim.read_bytes() == b"precious") if exists else not victim.exists()
    Path(f"{kept.path}{suffix}").unlink()
    kept.record(10, ramp)
    assert kept.cpu(START, START + 10) == [0.0]


def test_a_link_that_replaces_the_open_file_is_never_followed(kept: Kept) -> None:
    kept.record(10, ramp)
    victim = kept.path.with_name("victim")
    kept.path.rename(victim)
    kept.path.symlink_to(victim)
    before = victim.read_bytes()
    with pytest.raises(HistoryError, match="is a symbolic link"):
        kept.record(10, ramp)
    assert kept.path.is_symlink()
    assert victim.read_bytes()[:16] == before[:16]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_at_once(kept: Kept, make: object) -> None:
    assert callable(make)
    make(kept.path)
    with pytest.raises(HistoryError, match="is not a file; remove it"):
        kept.record(10, ramp)


def test_a_locked_file_is_not_waited_for_long(kept: Kept) -> None:
    kept.record(10, ramp)
    with sqlite3.connect(kept.path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryError, match="locked"):
            kept.record(10, ramp)
    other.close()
    kept.record(10, ramp)
    assert kept.cpu(START, START + 20) == [0.0, 1.0]


def fill(kept: Kept) -> None:
    """Ten times what a file of 1 MB holds."""
    words = RunEnd(1, None, ("x" * 200,) * 10)
    for seq in range(5000):
        kept.store.write([event("mad", START + seq, seq, words)])


def tables(path: Path) -> dict[str, int]:
    """Rows in each table, as another program sees them."""
    with sqlite3.connect(path) as other:
        names = ("ticks", "samples", "minutes", "events")
        counts = {name: other.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    other.close()
    return counts


def ids(path: Path) -> list[str]:
    with sqlite3.connect(path) as other:
        found = [name for (name,) in other.execute("SELECT id FROM processes ORDER BY id")]
    other.close()
    return found
