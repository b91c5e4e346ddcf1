import json
from pathlib import Path

import pytest

from pmtui.mcp.client_config import ClientConfigError, add_entry
from tests.cli.shell import pmtui

ENTRY = {"command": "pmtui", "args": ["mcp"]}


def test_the_entry_is_added_beside_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / ".mcp.json"
    assert add_entry(tmp_path, "pmtui", ["mcp"])
    assert json.loads(path.read_text()) == {"mcpServers": {"pmtui": ENTRY}}
    path.write_text('{"mcpServers": {"other": {"command": "ö"}}, "more": 1}')
    assert add_entry(tmp_path, "pmtui", ["mcp"])
    assert json.loads(path.read_text()) == {"mcpServers": {"other": {"command": "ö"}, "pmtui": ENTRY}, "more": 1}


def test_an_entry_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ".mcp.json"
    path.write_text(text := '{"mcpServers": {"pmtui": {"command": "mine"}}}')
    assert not add_entry(tmp_path, "pmtui", ["mcp"])
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["{", "[]", '{"mcpServers": 1}'])
def test_a_file_of_another_form_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".mcp.json"
    path.write_text(text)
    with pytest.raises(ClientConfigError, match="nothing was changed"):
        add_entry(tmp_path, "pmtui", ["mcp"])
    assert path.read_text() == text


def test_the_command_writes_the_entry_and_no_hook(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "plugin", "install", "--mcp", "-c", "my.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / ".mcp.json").read_text())["mcpServers"]["pmtui"]["args"] == ["mcp", "-c", "my.toml"]
    assert [path.name for path in tmp_path.iterdir()] == [".mcp.json"]
    again = pmtui(tmp_path, "plugin", "install", "--mcp")
    assert (again.returncode, "already" in again.stdout) == (0, True)
    (tmp_path / ".mcp.json").write_text("{")
    assert pmtui(tmp_path, "plugin", "install", "--mcp").returncode == 1
