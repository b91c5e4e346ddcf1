"""The data folder of a config, as its manager finds it and as a client finds it."""

import os
from pathlib import Path

import pytest

from pmtui.config.discovery import data_directory, locate_config
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


# in parents


def test_the_nearest_config_above_is_found(tmp_path: Path) -> None:
    deep = tmp_path / "shop/api/src"
    deep.mkdir(parents=True)
    assert locate_config(deep) is None
    (tmp_path / "pmtui.toml").touch()
    assert locate_config(deep) == tmp_path / "pmtui.toml"
    (tmp_path / "shop/pb_data").mkdir()
    (tmp_path / "shop/pb_data/pb_processes.json").touch()
    assert locate_config(deep) == tmp_path / "shop/pb_data/pb_processes.json"
    (deep / "pmtui.yaml").touch()
    assert locate_config(deep) == deep / "pmtui.yaml"


def test_the_home_directory_holds_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "home/shop/api"
    deep.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "home"):
        (folder / "pmtui.toml").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert locate_config(deep) is None
    assert locate_config(tmp_path / "home") == tmp_path / "home/pmtui.toml"


def test_a_shared_directory_holds_no_project(tmp_path: Path) -> None:
    deep = tmp_path / "shared/mine"
    deep.mkdir(parents=True)
    (tmp_path / "shared/pmtui.toml").touch()
    assert locate_config(deep) == tmp_path / "shared/pmtui.toml"
    (tmp_path / "shared").chmod(0o1777)
    assert locate_config(deep) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("given", ["pmtui.toml", "pmtui.local.toml", "."])
def test_what_another_user_may_have_put_there_is_used_only_in_its_own_directory(tmp_path: Path, given: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "pmtui.toml").touch()
    (tmp_path / "pmtui.local.toml").touch()
    assert locate_config(tmp_path / "mine") == tmp_path / "pmtui.toml"
    os.chown(tmp_path / given, 12345, 12345)
    distrusted: list[Path] = []
    assert locate_config(tmp_path / "mine", distrusted.append) is None
    assert distrusted == [tmp_path / "pmtui.toml"]
    assert locate_config(tmp_path) == tmp_path / "pmtui.toml"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_link_of_another_user_does_not_lead_to_a_config(tmp_path: Path) -> None:
    (tmp_path / "shared/mine").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/pb_processes.json").touch()
    link = tmp_path / "shared/pb_data"
    link.symlink_to(tmp_path / "data")
    assert locate_config(tmp_path / "shared/mine") == link / "pb_processes.json"
    os.lchown(link, 12345, 12345)
    assert locate_config(tmp_path / "shared/mine") is None
