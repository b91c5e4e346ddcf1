"""Configs of mprocs and of dekit."""

import json
from pathlib import Path
from typing import Any

import pytest

from pmtui.importers.builder import Imported, UnsupportedFileError
from tests.importers.support import import_text, lost, reason

DEFAULTS = {"tty": True, "restart": "never"}

SHOP = """\
proc_list_width: 30
procs:
  web: "webpack serve"
  api:
    shell: "node server.js | tee out.txt"
    cwd: "<CONFIG_DIR>/api"
    env: {NODE_ENV: test, PRICE: "5$", CI: null}
    deps: [db]
    stop: SIGINT
    autorestart: true
  db:
    cmd: ["postgres", "-D", "my data"]
    stop: {cmd: "pg_ctl stop -D 'my data'"}
  repl:
    cmd: [python3]
    autostart: false
    stop: {send-keys: ["<C-c>"]}
  old: null
"""


def one(folder: Path, given: Any, name: str = "mprocs.json") -> Imported:
    return import_text(folder, name, json.dumps({"procs": {"a": given}}))


def test_processes_keep_their_commands_and_their_ways_to_stop(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "mprocs.yaml", SHOP)
    assert imported.kind == "mprocs"
    assert imported.processes == {
        "web": {"command": "webpack serve", **DEFAULTS},
        "api": {
            "command": "env",
            "args": ["-u", "CI", "/bin/sh", "-c", "node server.js | tee out.txt"],
            "cwd": f"{tmp_path}/api",
            "env": {"NODE_ENV": "test", "PRICE": "5$$"},
            "dependsOn": {"db": "started"},
            "stopSignal": "SIGINT",
            "tty": True,
            "restart": "always",
            "healthyAfter": "1s",
            "maxRetries": 1,
        },
        "db": {
            "command": "postgres",
            "args": ["-D", "my data"],
            "stopCommand": ["/bin/sh", "-c", "pg_ctl stop -D 'my data'"],
            **DEFAULTS,
        },
        "repl": {"command": "python3", "autostart": False, "stopSignal": "SIGINT", **DEFAULTS},
    }
    assert imported.losses == []
    assert "left out" in reason(imported, "null")


def test_values_for_other_systems_are_passed_over(tmp_path: Path) -> None:
    select = {"$select": "os", "windows": "echo %TEXT%", "$else": "echo $TEXT"}
    env = {"TEXT": {"$select": "os", "windows": "w", "linux": "l", "macos": "l"}}
    fields = one(tmp_path, {"shell": select, "env": env}).processes["a"]
    assert (fields["command"], fields["shell"], fields["env"]) == ("echo $TEXT", True, {"TEXT": "l"})
    with pytest.raises(UnsupportedFileError, match=r"a \$select has no value for"):
        one(tmp_path, {"shell": {"$select": "os", "windows": "x"}})


def test_folders_are_added_to_the_path(tmp_path: Path) -> None:
    fields = one(tmp_path, {"cmd": ["a"], "add_path": ["/opt/x", "/opt/y"]}).processes["a"]
    assert fields["env"] == {"PATH": "${PATH}:/opt/x:/opt/y"}


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({"cmd": ["a"], "stop": {"send-keys": ["q"]}}, "stop.send-keys"),
        ({"cmd": ["a"], "stop": "SIGHUP"}, "stop"),
        ({"cmd": ["a"], "deps": ["gone"]}, "deps"),
        ({"cmd": ["a"], "log": {"dir": "logs"}}, "log"),
        ({"cmd": ["a"], "frobnicate": 1}, "frobnicate"),
        ({"cmd": ["a"], "env": ["A=b"]}, "env"),
    ],
)
def test_what_has_no_counterpart_is_named(tmp_path: Path, given: dict[str, Any], source: str) -> None:
    assert lost(one(tmp_path, given)) == [("a", source)]


def test_settings_of_the_file_are_told(tmp_path: Path) -> None:
    text = "procs: {a: x}\nserver: 127.0.0.1:4050\non_all_finished: {c: quit}\nkeymap_procs: {<q>: {c: quit}}\nodd: 1\n"
    imported = import_text(tmp_path, "mprocs.yaml", text)
    assert lost(imported) == [("", "keymap_procs"), ("", "odd")]
    assert imported.settings == {"onIdle": "down"}
    imported = import_text(tmp_path, "mprocs.yaml", "procs: {a: x}\non_all_finished: {c: restart-all}\n")
    assert (lost(imported), imported.settings) == ([("", "on_all_finished")], {})


def test_no_log_is_kept_where_it_is_switched_off(tmp_path: Path) -> None:
    text = (
        "proc_log: {dir: logs}\nprocs:\n  a: {cmd: [a], log: false}\n  b: {cmd: [b], log: {enabled: false}}\n  c: c\n"
    )
    imported = import_text(tmp_path, "mprocs.yaml", text)
    assert [fields.get("log") for fields in imported.processes.values()] == [{"file": False}, {"file": False}, None]
    assert lost(imported) == [("c", "log")]


def test_a_process_needs_one_command(tmp_path: Path) -> None:
    imported = import_text(
        tmp_path, "mprocs.yaml", "procs:\n  a: {cwd: x}\n  b: {cmd: [b], shell: b}\n  c: {cmd: []}\n  d: d\n"
    )
    assert list(imported.processes) == ["d"]
    assert [process for process, _ in lost(imported)] == ["a", "b", "c"]


def test_dekit_starts_only_what_says_so_and_splits_a_command_itself(tmp_path: Path) -> None:
    text = """\
proc_defaults: {autorestart: true, env: {A: "1"}}
tui: {procs: {width: 20}}
procs:
  web: {cmd: "serve --name 'two words'", autostart: true, autorestart: false, cwd: web}
  db: {shell: "echo $A", scrollback_len: 5}
"""
    imported = import_text(tmp_path, "dekit.yaml", text)
    assert imported.kind == "dekit"
    assert imported.processes == {
        "web": {
            "command": "serve",
            "args": ["--name", "two words"],
            "cwd": "web",
            "env": {"A": "1"},
            "tty": True,
            "restart": "never",
        },
        "db": {
            "command": "echo $A",
            "shell": True,
            "env": {"A": "1"},
            "tty": True,
            "autostart": False,
            "restart": "always",
            "healthyAfter": "1s",
            "maxRetries": 1,
        },
    }
    assert imported.losses == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mprocs.yaml", "procs: {}\n", "no processes in it"),
        ("mprocs.yaml", "procs:\n  a: x\n  a: y\n", "line 3: a is written twice"),
        ("mprocs.lua", "return {}", "is a Lua program"),
    ],
)
def test_what_mprocs_refuses_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UnsupportedFileError, match=message):
        import_text(tmp_path, name, text)
