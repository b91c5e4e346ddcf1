import os
from pathlib import Path

import pytest

from pmtui.runtime.files import read_json, write_atomic, write_new


def test_a_file_is_replaced_as_a_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_atomic(path, '{"a": 1}')
    write_atomic(path, b'{"b": 2}')
    assert read_json(path) == {"b": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["facts.json"]


def test_replacing_a_link_leaves_its_target_unchanged(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("theirs")
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", "ours")
    assert ((tmp_path / "target").read_text(), (tmp_path / "link").read_text()) == ("theirs", "ours")


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_new_file_never_overwrites(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pmtui.toml"
    path.write_text("mine") if kind == "file" else path.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        write_new(path, "new")
    assert os.listdir(tmp_path) == ["pmtui.toml"]
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"null"])
def test_invalid_json_is_read_as_an_empty_object(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "facts.json").write_bytes(content)
    assert read_json(tmp_path / "facts.json") == {}


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "facts.json")
    assert read_json(tmp_path / "facts.json") == {}
