import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pmtui.runtime.token import OpenHostError, Token, TokenError, load_token, read_token, require_own_token


def test_the_token_of_the_user_takes_precedence(tmp_path: Path) -> None:
    assert load_token(tmp_path / "data", {"PMTUI_TOKEN": "mine"}) == Token("mine", is_generated=False)
    assert not (tmp_path / "data").exists()


def test_a_token_is_generated_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first, second = load_token(folder, {}), load_token(folder, {"PMTUI_TOKEN": ""})
    assert first == second
    assert first.is_generated
    assert len(first.value) >= 43
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    assert os.listdir(folder) == ["token"]


def test_each_directory_has_its_own_token(tmp_path: Path) -> None:
    assert load_token(tmp_path / "a", {}) != load_token(tmp_path / "b", {})


def test_a_readable_token_is_made_private(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("known\n")
    (tmp_path / "token").chmod(0o644)
    assert load_token(tmp_path, {}) == Token("known", is_generated=True)
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_an_empty_token_file_gets_a_new_token(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    assert load_token(tmp_path, {}).value == (tmp_path / "token").read_text().strip()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "is a symbolic link; remove it to have a new token generated"),
        (lambda path: os.mkfifo(path), "is not a regular file; remove it to have a new token generated"),
        (lambda path: path.mkdir(), "is not a regular file; remove it to have a new token generated"),
    ],
    ids=["symlink", "FIFO", "folder"],
)
def test_a_token_is_read_from_a_file_only(tmp_path: Path, place: Callable[[Path], None], message: str) -> None:
    place(tmp_path / "token")
    with pytest.raises(TokenError, match=f"^{tmp_path}/token {message}$"):
        load_token(tmp_path, {})


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "zwölf", "x" * 4097])
def test_a_token_that_fits_no_header_is_rejected(tmp_path: Path, value: str) -> None:
    with pytest.raises(TokenError, match="PMTUI_TOKEN must be at most 4096 visible ASCII characters"):
        load_token(tmp_path, {"PMTUI_TOKEN": value})


def test_a_token_of_another_user_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("theirs")
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(TokenError, match=r"/token belongs to another user; remove it to have a new token generated$"):
        load_token(tmp_path, {})


def test_a_token_that_cannot_be_created_suggests_the_variable(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(TokenError, match=r"cannot read or create .*/data/token: File exists; set PMTUI_TOKEN instead"):
        load_token(tmp_path / "data", {})


def test_a_token_is_not_in_its_repr() -> None:
    assert "mine" not in repr(Token("mine", is_generated=False))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost"])
def test_a_generated_token_is_enough_on_loopback(host: str) -> None:
    require_own_token(host, Token("made", is_generated=True))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "localhost.example.com", ""])
def test_other_hosts_require_the_users_own_token(host: str) -> None:
    require_own_token(host, Token("mine", is_generated=False))
    with pytest.raises(OpenHostError, match="set PMTUI_TOKEN to a secret of your own"):
        require_own_token(host, Token("made", is_generated=True))


@pytest.mark.parametrize(
    "place",
    [lambda path: path.symlink_to("/etc/passwd"), lambda path: os.mkfifo(path), lambda path: path.mkdir()],
    ids=["symlink", "FIFO", "folder"],
)
def test_a_client_reads_a_token_from_a_regular_file_only(tmp_path: Path, place: Callable[[Path], None]) -> None:
    place(tmp_path / "token")
    assert read_token(tmp_path) == ""


def test_a_client_reads_the_token_that_a_manager_has_generated(tmp_path: Path) -> None:
    assert read_token(tmp_path) == ""
    assert os.listdir(tmp_path) == []
    generated = load_token(tmp_path, {}).value
    assert read_token(tmp_path) == generated
