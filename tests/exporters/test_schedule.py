"""Schedules in the words of systemd and of cron."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pmtui.config.schedule import Cron, next_due
from pmtui.config.zones import zone_offset
from pmtui.exporters.procfile import export_procfile
from pmtui.exporters.schedule import cron_fields, systemd_calendars
from pmtui.exporters.systemd import export_systemd
from pmtui.text.formatting import epoch_seconds
from tests.eventually import DEADLINE
from tests.exporters.support import project

NOW = "2026-11-20 12:00:00"


@pytest.mark.parametrize(
    ("fields", "calendars"),
    [
        ("30 2 * * *", ["*-*-* 02:30:00"]),
        ("*/20 9-11 * * *", ["*-*-* 09,10,11:00,20,40:00"]),
        ("0 0 1 */3 *", ["*-01,04,07,10-01 00:00:00"]),
        ("0 6 * * MON-FRI", ["Mon,Tue,Wed,Thu,Fri *-*-* 06:00:00"]),
        ("0 6 * * 0,7", ["Sun *-*-* 06:00:00"]),
        ("0 6 13 * FRI", ["*-*-13 06:00:00", "Fri *-*-* 06:00:00"]),
        ("0 6 */10 * FRI", ["Fri *-*-01,11,21,31 06:00:00"]),
        ("0 6 L * *", ["*-*~01 06:00:00"]),
        ("0 6 * * MON#2", ["Mon *-*-08..14 06:00:00"]),
        ("0 6 * * 5L", ["Fri *-*~07/1 06:00:00"]),
        ("0 6 LW * *", []),
    ],
)
def test_the_words_of_systemd(fields: str, calendars: list[str]) -> None:
    assert systemd_calendars(Cron(fields)) == calendars
    if not calendars or not shutil.which("systemd-analyze"):
        return
    answer = subprocess.run(
        ["systemd-analyze", "calendar", f"--base-time={NOW}", *calendars],
        env=os.environ | {"TZ": "UTC", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    if "base-time" in answer.stderr:
        pytest.skip("this systemd is too old to be asked")
    assert answer.returncode == 0, answer.stderr
    times = [line.split()[3:5] for line in answer.stdout.splitlines() if "Next elapse" in line]
    first = min(" ".join(time) for time in times)
    own = next_due(Cron(fields), epoch_seconds("2026-11-20T12:00:00Z"), zone_offset("UTC"))
    assert epoch_seconds(f"{first.replace(' ', 'T')}Z") == own


@pytest.mark.parametrize(
    ("schedule", "fields"),
    [
        ("30 2 * * MON", "30 2 * * MON"),
        ("@daily", "0 0 * * *"),
        ("every 15m", "*/15 * * * *"),
        ("every 1h", "0 * * * *"),
        ("every 6h", "0 */6 * * *"),
        ("every 1d", "0 0 * * *"),
        ("every 90s", ""),
        ("every 7m", ""),
        ("every 5h", ""),
        ("0 0 L * *", ""),
        ("0 0 * * MON#1", ""),
    ],
)
def test_fields_that_every_cron_takes(schedule: str, fields: str) -> None:
    assert cron_fields(schedule) == fields


JOBS = """
[process.nightly]
command = "true"
schedule = "30 2 * * *"
timezone = "Europe/Berlin"
deadline = "1h"
jitter = "5m"
catchUp = true
[process.poll]
command = "true"
schedule = "every 10m"
overlap = "replace"
autostart = false
catchUp = true
[process.odd]
command = "true"
schedule = "0 0 LW * *"
"""


def test_a_job_is_a_timer_and_a_service_for_systemd(tmp_path: Path) -> None:
    made = export_systemd(project(tmp_path, JOBS))
    assert made.files["shop-nightly.timer"] == (
        "[Unit]\nDescription=When nightly of shop is due\nPartOf=shop.target\n\n"
        "[Timer]\nOnCalendar=*-*-* 02:30:00 Europe/Berlin\nAccuracySec=1s\nRandomizedDelaySec=300\nPersistent=true\n\n"
        "[Install]\nWantedBy=shop.target\n"
    )
    service = made.files["shop-nightly.service"].splitlines()
    assert {"Type=oneshot", "TimeoutStartSec=3600", "Restart=no"} <= {*service}
    assert "[Install]" not in service
    assert "OnActiveSec=600\nOnUnitActiveSec=600\n" in made.files["shop-poll.timer"]
    assert "[Install]" not in made.files["shop-poll.timer"]
    assert "shop-odd.timer" not in made.files
    assert "Wants=shop-nightly.timer\n" in made.files["shop.target"]
    assert made.warnings == [
        "poll: overlap replace is lost: what is due while it runs is skipped",
        "poll: catchUp is lost: systemd has it for times of day only",
        "odd: schedule 0 0 LW * * cannot be written for systemd: the unit has no timer",
    ]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_timers(tmp_path: Path) -> None:
    folder = tmp_path / "units"
    folder.mkdir()
    for name, text in export_systemd(project(tmp_path, JOBS)).files.items():
        (folder / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(folder.iterdir())],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_has_no_schedules_says_so(tmp_path: Path) -> None:
    warnings = export_procfile(project(tmp_path, JOBS)).warnings
    assert "nightly: schedule 30 2 * * * is lost: let cron start it" in warnings
