"""Finding a manager, its address and its token."""

import json
import os
from pathlib import Path

import pytest

from pmtui.client.discovery import ManagerAddress, ManagerUnavailableError, NoManagerError, find_manager, locate_manager
from pmtui.spawner.procfs import process_identity

HERE = "http://127.0.0.1:4711"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of a config whose manager is this process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pmtui.toml").write_text("[settings]\ndataDir = 'state'\n")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/token").write_text("s3cret\n")
    publish(tmp_path / "state")
    return tmp_path / "state"


def publish(folder: Path, **changes: object) -> None:
    (folder / "instance.json").write_text(json.dumps(process_identity(os.getpid()) | {"url": HERE} | changes))


def test_the_manager_of_the_config_in_this_directory_is_found(folder: Path) -> None:
    assert locate_manager(None, None, {}) == ManagerAddress(HERE, "s3cret")
    assert find_manager(None).pid == os.getpid()


def test_the_manager_of_a_given_config_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert locate_manager(folder.parent / "pmtui.toml", None, {"PMTUI_URL": "http://x:1"}) == ManagerAddress(
        HERE, "s3cret"
    )


def test_a_url_takes_precedence_over_the_config_found(folder: Path) -> None:
    environ = {"PMTUI_URL": "http://far:9615/", "PMTUI_TOKEN": "own"}
    assert locate_manager(None, None, environ) == ManagerAddress("http://far:9615", "own")
    assert locate_manager(None, "http://other:1", environ) == ManagerAddress("http://other:1", "own")


def test_a_token_is_sent_only_to_its_manager(folder: Path) -> None:
    assert locate_manager(None, "http://127.0.0.1:9999", {}) == ManagerAddress("http://127.0.0.1:9999", "")
    assert locate_manager(None, HERE, {}) == ManagerAddress(HERE, "s3cret")
    assert "s3cret" not in repr(locate_manager(None, HERE, {}))


@pytest.mark.parametrize(
    "changes", [{"pid": 1 << 22}, {"startTicks": 1}, {"boot": "another"}, {"pid": "x"}, {"pid": None}, {"pid": True}]
)
def test_a_dead_manager_is_not_found(folder: Path, changes: dict[str, object]) -> None:
    publish(folder, **changes)
    with pytest.raises(
        NoManagerError, match=r"no manager is running for .*pmtui.toml; start one with 'pmtui' or 'pmtui -d'"
    ):
        locate_manager(None, None, {})


def test_a_manager_without_an_api_is_reported(folder: Path) -> None:
    publish(folder, url=None)
    with pytest.raises(ManagerUnavailableError, match="--no-api"):
        locate_manager(None, None, {})


def test_a_planted_token_is_ignored(folder: Path) -> None:
    (folder / "token").rename(folder / "elsewhere")
    (folder / "token").symlink_to("elsewhere")
    assert locate_manager(None, None, {}).token == ""
    (folder / "token").unlink()
    os.mkfifo(folder / "token")
    assert locate_manager(None, None, {}).token == ""


def test_looking_for_a_manager_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoManagerError, match="which has no config"):
        locate_manager(None, None, {})
    assert list(tmp_path.iterdir()) == []
