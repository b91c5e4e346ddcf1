"""Configs of other process managers run as they are."""

from pathlib import Path

import pytest

from pmtui.config.load import Loaded, load_config
from pmtui.importers.foreign import foreign_reader


def load(path: Path, text: str) -> Loaded:
    path.write_text(text)
    return load_config(path, (), foreign_reader(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Procfile", "web: sleep 100\n"),
        ("Procfile.dev", "web: sleep 100\n"),
        ("ecosystem.config.js", "module.exports = {apps: [{name: 'web', script: '/bin/sleep', args: '100'}]}"),
        ("deploy.json", '{"apps": [{"name": "web", "script": "/bin/sleep", "args": "100"}]}'),
        ("supervisord.conf", "[program:web]\ncommand=sleep 100\n"),
        ("process-compose.yaml", "processes:\n  web:\n    command: sleep 100\n"),
        ("ecosystem.yaml", "- {name: web, script: /bin/sleep, args: '100'}\n"),
        ("deploy.yml", "# by hand\napps: # one\n  - {name: web, script: /bin/sleep, args: '100'}\n"),
        ("stack.yml", "version: '0.5'\nprocesses:\n  # the only one\n  web:\n    command: sleep 100\n"),
        ("mprocs.yaml", "procs:\n  web: sleep 100\n"),
        ("stack.yaml", "proc_list_width: 20\nprocs:\n  web: sleep 100\n"),
        ("stack.json", '{"$schema": "x", "procs": {"web": "sleep 100"}}'),
        ("dekit.yaml", "procs:\n  web: {cmd: sleep 100}\n"),
    ],
)
def test_a_foreign_file_is_a_config(tmp_path: Path, name: str, text: str) -> None:
    loaded = load(tmp_path / name, text)
    assert [problem.message for problem in loaded.errors] == []
    assert [config.id for config in loaded.processes] == ["web"]
    assert loaded.settings.data_dir == str(tmp_path / ".pmtui")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pmtui.yaml", "processes:\n  - {id: web, command: x}\n"),
        ("other.yaml", "processes:\n- {id: web, command: x}\n"),
        ("own.json", '[{"id": "web", "command": "x"}]'),
        ("own.toml", '[process.web]\ncommand = "x"'),
        ("ecosystem.toml", '[process.web]\ncommand = "x"'),
    ],
)
def test_our_own_files_are_not_foreign(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert foreign_reader(tmp_path / name) is None


def test_what_is_lost_is_a_warning(tmp_path: Path) -> None:
    loaded = load(tmp_path / "supervisord.conf", "[program:web]\ncommand=sleep 1\n[eventlistener:x]\ncommand=y\n")
    assert loaded.errors == ()
    assert any("eventlistener" in problem.message and "is lost" in problem.message for problem in loaded.problems)


def test_the_local_file_and_profiles_lie_over_it(tmp_path: Path) -> None:
    (tmp_path / "pmtui.local.toml").write_text(
        '[settings]\nport = 9700\n[process.web]\nstopTimeout = "1s"\n[profile.dev.process.web]\ngroup = "dev"\n'
    )
    path = tmp_path / "Procfile"
    path.write_text("web: sleep 100\n")
    loaded = load_config(path, ["dev"], foreign_reader(path))
    (web,) = loaded.processes
    assert (web.stop_timeout, web.group, loaded.settings.port) == (1.0, "dev", 9700)


def test_a_file_that_cannot_be_converted_says_why(tmp_path: Path) -> None:
    loaded = load(tmp_path / "supervisord.conf", "[nothing]\n")
    assert [problem.file for problem in loaded.errors] == ["supervisord.conf"]
    assert loaded.processes == ()
