"""The data folder of a config, as its manager finds it and as a client finds it."""

import os
from pathlib import Path

import pytest

from pmtui.config.discovery import data_directory
from pmtui.config.load import load_config


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pmtui.toml", '[settings]\ndataDir = "state/here"\n[process.a]\ncommand = "true"\n'),
        ("pmtui.toml", '[settings]\ndataDir = "~/state"\n'),
        ("pmtui.toml", "[process.a]\ncommand = 'true'\n"),
        ("pb_processes.json", '{"settings": {"dataDir": "/var/lib/pmtui"}, "processes": []}'),
        ("pb_processes.json", '{"settings": {"dataDir": 7}, "processes": []}'),
        ("pb_processes.json", '[{"id": "a", "command": "true"}]'),
        ("pb_processes.json", "[{"),
        ("pb_processes.json", ""),
    ],
)
def test_a_client_looks_where_the_manager_is(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert str(data_directory(tmp_path / name)) == load_config(tmp_path / name).settings.data_dir


def test_what_is_no_file_has_its_data_folder_beside_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.json")
    assert data_directory(tmp_path / "fifo.json") == data_directory(tmp_path / "none.json") == tmp_path / ".pmtui"


def test_without_a_config_it_is_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_directory(None) == tmp_path / ".pmtui"
