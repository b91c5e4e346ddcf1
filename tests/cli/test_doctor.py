"""`pmtui doctor`."""

from pathlib import Path

from tests.cli.shell import pmtui
from tests.running import Running


def test_it_prints_its_findings_and_no_secret(house: Running) -> None:
    done = pmtui(house.folder, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("textual", "pidfd", "6 processes", f"pid {house.pid}, http://", f"{'API':<18}version", "terminal"):
        assert words in done.stdout
    assert (house.folder / ".pmtui/token").read_text().strip() not in done.stdout


def test_the_token_in_the_environment_is_not_printed(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "doctor", PMTUI_TOKEN="hush-hush")
    assert "set: PMTUI_TOKEN" in done.stdout
    assert "hush" not in done.stdout
    assert "not running for this config" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_broken_config_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "pmtui.toml").write_text("[process.a\n")
    done = pmtui(tmp_path, "doctor")
    assert done.returncode == 1
    assert "1 error ('pmtui check' reports them)" in done.stdout
