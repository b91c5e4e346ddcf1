"""Units of systemd: what they say, and that systemd takes them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtui.exporters.systemd import export_systemd
from pmtui.exporters.systemd_escape import command_line
from tests.exporters.support import project
from tests.paths import path_of_processes


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGUSER", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("is_user", [False, True])
def test_systemd_accepts_all_units(tmp_path: Path, is_user: bool) -> None:
    folder = tmp_path / "units"
    folder.mkdir()
    for name, text in export_systemd(project(tmp_path, is_user=is_user)).files.items():
        (folder / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", *(["--user"] if is_user else []), "verify", "--man=no", *sorted(folder.iterdir())],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_carries_the_process(tmp_path: Path, clean: None) -> None:
    lines = export_systemd(project(tmp_path)).files["shop-Web.API-2.service"].splitlines()
    python = shutil.which("python3", path=path_of_processes())
    wanted = [
        "Requires=shop-schema.service",
        "After=shop-schema.service",
        "Wants=shop-db.service",
        "StartLimitBurst=5",
        f'ExecStart={python} "{tmp_path}/back end/app.py" --title "100%% \\"$$HOME\\" it\'s" "two\\nlines"',
        f"WorkingDirectory={tmp_path}/back end",
        "UMask=0027",
        "Environment=PMTUI_INSTANCE=2",
        "Environment=STAGE=prod",
        "Environment=NAME=prod-x",
        'Environment="PRICE=5$"',
        "Environment=LEVEL=info",
        f"EnvironmentFile={tmp_path}/.env",
        "Restart=on-failure",
        "RestartSec=1",
        "KillSignal=SIGINT",
        "TimeoutStopSec=90",
        "TimeoutStartSec=110",
        "WantedBy=shop.target",
    ]
    assert [line for line in wanted if line not in lines] == []


def test_a_unit_is_up_once_its_health_check_is_good_and_a_timer_asks_on(tmp_path: Path) -> None:
    files = export_systemd(project(tmp_path)).files
    assert "ExecStartPost=/bin/sh -c" in files["shop-db.service"]
    assert "OnUnitInactiveSec=10\n" in files["shop-db-health.timer"]
    assert "systemctl restart shop-db.service" in files["shop-db-health.service"]
    assert "MemoryMax=536870912\n" in files["shop-db.service"]
    assert "LimitNOFILE=4096\n" in files["shop-db.service"]


def test_what_others_wait_for_to_end_is_a_oneshot(tmp_path: Path) -> None:
    unit = export_systemd(project(tmp_path)).files["shop-schema.service"]
    assert "Type=oneshot\n" in unit
    assert "Restart=no\n" in unit


def test_the_target_wants_what_starts_by_itself(tmp_path: Path) -> None:
    target = export_systemd(project(tmp_path)).files["shop.target"]
    assert "Wants=shop-db.service shop-schema.service shop-Web.API-1.service shop-Web.API-2.service\n" in target


def test_losses_are_named(tmp_path: Path, clean: None) -> None:
    warnings = "\n".join(export_systemd(project(tmp_path)).warnings)
    assert "Web.API-1: DSN is lost, for it is made of PGUSER" in warnings
    assert "db: maxMemory: the kernel kills it there" in warnings
    assert "db: backoff does not grow" in warnings


def test_a_variable_that_is_handed_on_is_passed_and_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2hunter2")
    toml = '[process.a]\ncommand = "sleep 5"\nenv = { API_TOKEN = "${API_TOKEN}" }\n'
    out = export_systemd(project(tmp_path, toml))
    assert "PassEnvironment=API_TOKEN\n" in out.files["shop-a.service"]
    assert "hunter2" not in str(out.files) + str(out.warnings)


def test_a_program_that_is_not_there_is_left_out_and_named(tmp_path: Path) -> None:
    out = export_systemd(project(tmp_path, '[process.a]\ncommand = "no-such-program"\n'))
    assert list(out.files) == ["shop.target"]
    assert "a: is left out: command no-such-program is not on the PATH" in out.warnings[0]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_any_words_are_one_line(words: list[str]) -> None:
    line = command_line(words)
    assert line.isprintable()
    assert "%" not in line.replace("%%", "")
    assert "$" not in line.replace("$$", "")
