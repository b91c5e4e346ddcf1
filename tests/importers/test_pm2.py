"""Ecosystems of pm2, as JSON and as programs."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pmtui.importers.builder import UnsupportedFileError
from tests.importers.support import import_text, lost, reason

DEFAULTS = {"maxRetries": 16, "stopSignal": "SIGINT", "stopTimeout": "1600ms", "healthyAfter": "1s"}

SHOP = """\
{
  // all apps of the shop
  apps: [{
    name: 'shop-api', script: './dist/main.js', instances: 2, exec_mode: "cluster",
    node_args: "--max-old-space-size=512", args: ["--port", 3000], "max_memory_restart": '500M',
    env: {NODE_ENV: "development", PRICE: "5$"},
    env_production: {NODE_ENV: "production"},
    error_file: "./logs/err.log", time: true,
  },],
}
"""

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def one(folder: Path, app: dict[str, Any]) -> dict[str, Any]:
    imported = import_text(folder, "ecosystem.json", json.dumps({"apps": [app]}))
    (fields,) = imported.processes.values()
    return fields


def test_an_app_keeps_its_program_its_limits_and_its_environment(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "ecosystem.json", SHOP)
    assert imported.processes == {
        "shop-api": {
            "script": "./dist/main.js",
            "interpreterArgs": ["--max-old-space-size=512"],
            "args": ["--port", "3000"],
            "env": {"NODE_ENV": "development", "PRICE": "5$$"},
            "instances": 2,
            "maxMemory": "500M",
            **DEFAULTS,
        }
    }
    assert lost(imported) == [("shop-api", "env_production"), ("shop-api", "exec_mode"), ("shop-api", "error_file")]


def test_another_environment_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "ecosystem.json", SHOP, env_name="production")
    assert imported.processes["shop-api"]["env"] == {"NODE_ENV": "production", "PRICE": "5$$"}


def test_a_bare_name_is_a_command(tmp_path: Path) -> None:
    fields = one(tmp_path, {"name": "web", "script": "npm", "args": "run start", "cwd": "front"})
    assert fields == {"command": "npm run start", "cwd": "front", **DEFAULTS}


def test_a_script_with_blanks_is_run_by_bash_where_it_needs_a_shell(tmp_path: Path) -> None:
    assert one(tmp_path, {"script": "sleep 5"})["command"] == "sleep 5"
    fields = one(tmp_path, {"script": "sleep $PAUSE && echo"})
    assert (fields["command"], fields["args"]) == ("bash", ["-c", "sleep $PAUSE && echo"])


def test_a_script_with_blanks_has_no_words_of_its_own_as_in_pm2(tmp_path: Path) -> None:
    app = {"name": "a", "script": "npm run x", "args": ["b c"], "interpreter": "node"}
    imported = import_text(tmp_path, "ecosystem.json", json.dumps([app]))
    assert imported.processes["a"]["command"] == "npm run x"
    assert lost(imported) == [("a", "args"), ("a", "interpreter")]


@pytest.mark.parametrize(("args", "target"), [("start", "command"), (["a b"], "args")])
def test_words_of_a_command_are_told(tmp_path: Path, args: object, target: str) -> None:
    imported = import_text(tmp_path, "ecosystem.json", json.dumps([{"name": "a", "script": "npm", "args": args}]))
    assert [note.target for note in imported.notes if note.source == "args"] == [target]


def test_a_file_of_another_language_has_its_interpreter(tmp_path: Path) -> None:
    assert one(tmp_path, {"script": "job.rb"})["interpreter"] == "ruby"
    assert "interpreter" not in one(tmp_path, {"script": "job.py"})
    assert one(tmp_path, {"script": "job.py", "interpreter": "./venv/bin/python"})["interpreter"] == "./venv/bin/python"


@pytest.mark.parametrize(
    ("script", "fields"),
    [
        ("./bin/www", {"script": "./bin/www", "interpreter": "node"}),
        ("server", {"script": "server", "interpreter": "node"}),
        ("gone", {"script": "gone", "interpreter": "node"}),
        ("tool", {"command": "./tool"}),
        ("npm", {"command": "npm"}),
        ("sleep", {"command": "sleep"}),
        ("job.sh", {"script": "job.sh", "interpreter": "bash"}),
        ("page.tsx", {"script": "page.tsx", "interpreter": "bun"}),
        ("app.mjs", {"script": "app.mjs"}),
    ],
)
def test_a_script_without_a_known_ending_is_that_of_node_unless_it_is_a_binary(
    tmp_path: Path, script: str, fields: dict[str, str]
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/www").write_text("require('../app')\n")
    (tmp_path / "server").write_text("require('./app')\n")
    (tmp_path / "tool").write_bytes(b"\x7fELF\0")
    assert {name: value for name, value in one(tmp_path, {"script": script}).items() if name not in DEFAULTS} == fields


def test_a_version_of_node_is_a_loss(tmp_path: Path) -> None:
    text = json.dumps([{"name": "a", "script": "a.js", "interpreter": "node@18.20.0"}])
    imported = import_text(tmp_path, "ecosystem.json", text)
    assert imported.processes["a"]["script"] == "a.js"
    assert lost(imported) == [("a", "interpreter")]


def test_serve_is_its_own_server_of_files(tmp_path: Path) -> None:
    env = {"PM2_SERVE_PATH": "./dist", "PM2_SERVE_PORT": 9000, "PM2_SERVE_SPA": "true"}
    text = json.dumps([{"name": "site", "script": "serve", "env": env}, {"name": "b", "script": "serve"}])
    imported = import_text(tmp_path, "ecosystem.json", text)
    site, other = imported.processes.values()
    assert site["command"] == "python3 -m http.server 9000 --bind 0.0.0.0 --directory ./dist"
    assert other["command"] == "python3 -m http.server 8080 --bind 0.0.0.0 --directory ."
    assert lost(imported) == [("site", "script"), ("site", "env.PM2_SERVE_SPA"), ("b", "script")]


def test_fields_may_be_written_in_camel_case(tmp_path: Path) -> None:
    app = {"exec": "a.js", "maxRestarts": 3, "killTimeout": 5000, "maxMemoryRestart": "1G", "port": 3000}
    fields = one(tmp_path, app)
    assert (fields["script"], fields["maxRetries"], fields["stopTimeout"]) == ("a.js", 3, "5s")
    assert (fields["maxMemory"], fields["env"]) == ("1024M", {"PORT": "3000"})


@pytest.mark.parametrize(
    ("watch", "ignored", "patterns"),
    [(True, None, [".*"]), (["src"], [], [".*"]), (True, ["tmp"], ["tmp"]), (False, None, None)],
)
def test_files_with_a_dot_are_ignored_unless_something_else_is(
    tmp_path: Path, watch: object, ignored: object, patterns: object
) -> None:
    app = {"script": "a.js", "watch": watch} | ({} if ignored is None else {"ignore_watch": ignored})
    assert one(tmp_path, app).get("watchIgnore") == patterns


def test_watched_paths_start_at_the_folder_of_the_app(tmp_path: Path) -> None:
    app = {"name": "a", "script": "a.js", "cwd": "front", "watch": ["src", "*.json"]}
    imported = import_text(tmp_path, "ecosystem.json", json.dumps([app]))
    assert imported.processes["a"]["watchPaths"] == ["front/src"]
    assert lost(imported) == [("a", "watch")]


def test_instances_of_node_are_a_cluster_unless_they_say_otherwise(tmp_path: Path) -> None:
    def losses(app: dict[str, Any]) -> list[tuple[str, str]]:
        return lost(import_text(tmp_path, "ecosystem.json", json.dumps([{"name": "a", "instances": 2} | app])))

    assert losses({"script": "a.js"}) == [("a", "exec_mode")]
    assert losses({"script": "a.js", "exec_mode": "fork"}) == []
    assert losses({"script": "a.py"}) == []


@pytest.mark.parametrize(
    "app",
    [{"disable_logs": True}, {"out_file": "/dev/null", "error_file": "NULL"}],
)
def test_no_log_is_kept_where_there_is_none(tmp_path: Path, app: dict[str, Any]) -> None:
    imported = import_text(tmp_path, "ecosystem.json", json.dumps([{"name": "a", "script": "a.js"} | app]))
    assert (imported.processes["a"]["log"], imported.losses) == ({"file": False}, [])


def test_a_short_uptime_makes_no_loop(tmp_path: Path) -> None:
    assert one(tmp_path, {"script": "a.js", "min_uptime": 0})["healthyAfter"] == "1s"
    assert one(tmp_path, {"script": "a.js", "min_uptime": 200})["healthyAfter"] == "1s"


def test_children_that_are_left_alone_and_schedules_are_told(tmp_path: Path) -> None:
    apps = [{"name": "a", "script": "a.js", "treekill": False}, {"name": "b", "script": "b.js", "cron_restart": 0}]
    assert lost(import_text(tmp_path, "ecosystem.json", json.dumps(apps))) == [("a", "treekill")]


def test_no_interpreter_means_a_command(tmp_path: Path) -> None:
    assert one(tmp_path, {"script": "./server", "interpreter": "none"})["command"] == "./server"


def test_times_are_milliseconds_or_words(tmp_path: Path) -> None:
    app = {"script": "a.js", "kill_timeout": 3000, "min_uptime": "1m", "exp_backoff_restart_delay": 100}
    fields = one(tmp_path, app)
    assert (fields["stopTimeout"], fields["healthyAfter"]) == ("3s", "60s")
    assert (fields["backoff"], fields["maxBackoff"]) == ("100ms", "15s")


def test_a_growing_delay_wins_over_a_constant_one_as_in_pm2(tmp_path: Path) -> None:
    app = {"name": "a", "script": "a.js", "restart_delay": 5000, "exp_backoff_restart_delay": 100}
    imported = import_text(tmp_path, "ecosystem.json", json.dumps([app]))
    assert (imported.processes["a"]["backoff"], lost(imported)) == ("100ms", [("a", "restart_delay")])


def test_exit_codes_that_stop_it_are_the_only_good_ones(tmp_path: Path) -> None:
    fields = one(tmp_path, {"script": "a.js", "stop_exit_codes": [0, 3]})
    assert (fields["restart"], fields["successExitCodes"]) == ("on-failure", [0, 3])
    assert one(tmp_path, {"script": "a.js", "autorestart": False})["restart"] == "never"


def test_as_many_instances_as_there_are_cores(tmp_path: Path) -> None:
    cores = os.cpu_count() or 1
    assert one(tmp_path, {"script": "a.js", "instances": "max"}).get("instances", 1) == cores
    assert one(tmp_path, {"script": "a.js", "instances": -1}).get("instances", 1) == max(1, cores - 1)


def test_globs_to_ignore_are_kept_and_regular_expressions_are_lost(tmp_path: Path) -> None:
    app = {"name": "a", "script": "a.js", "watch": ["src"], "ignore_watch": ["node_modules", r"[/\\]\."]}
    imported = import_text(tmp_path, "ecosystem.json", json.dumps(app))
    assert imported.processes["a"]["devMode"] is True
    assert imported.processes["a"]["watchPaths"] == ["src"]
    assert imported.processes["a"]["watchIgnore"] == ["node_modules"]
    assert lost(imported) == [("a", "ignore_watch")]


def test_fields_that_nobody_knows_are_named(tmp_path: Path) -> None:
    app = {"name": "a", "script": "a.js", "cron_restart": "0 3 * * *", "frobnicate": 1, "wait_ready": True}
    imported = import_text(tmp_path, "ecosystem.json", json.dumps([app]))
    assert sorted(lost(imported)) == [("a", "cron_restart"), ("a", "frobnicate"), ("a", "wait_ready")]


def test_what_is_switched_off_is_no_loss(tmp_path: Path) -> None:
    app = {"name": "a", "script": "a.js", "watch": False, "wait_ready": False, "exec_mode": "fork", "env": {}}
    assert import_text(tmp_path, "ecosystem.json", json.dumps([app])).losses == []


def test_an_app_without_a_script_is_left_out_and_named(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "ecosystem.json", json.dumps([{"name": "a"}, {"name": "b", "script": "b.js"}]))
    assert list(imported.processes) == ["b"]
    assert reason(imported, "script") == "the process is left out: it has no script"


def test_paths_are_absolute_where_the_config_goes_to_another_folder(tmp_path: Path) -> None:
    from pmtui.importers.detect import import_file

    (tmp_path / "ecosystem.json").write_text('[{"name": "a", "script": "a.js"}]')
    imported = import_file(str(tmp_path / "ecosystem.json"), "/srv", {})
    assert imported.processes["a"]["cwd"] == str(tmp_path)


@needs_node
def test_a_program_is_run_by_node_whatever_it_prints(tmp_path: Path) -> None:
    program = """
        console.log("loading");
        const base = {script: "a.js", env: {HELD: process.env.HELD, MADE: `x-${1 + 1}`}};
        module.exports = {apps: [{...base, name: "a", ignore_watch: [/tmp/]}], deploy: {production: {}}};
    """
    environment = {**os.environ, "HELD": "secret-of-now"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HELD", "secret-of-now")
        imported = import_text(tmp_path, "ecosystem.config.cjs", program, environment)
    assert imported.processes["a"]["env"] == {"HELD": "${HELD}", "MADE": "x-2"}
    assert lost(imported) == [("", "deploy"), ("a", "ignore_watch")]


@needs_node
def test_a_module_is_run_by_node_too(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "ecosystem.config.mjs", 'export default [{name: "a", script: "a.js"}];')
    assert list(imported.processes) == ["a"]


@needs_node
def test_a_program_that_fails_is_told_in_the_words_of_node(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedFileError, match=r"node cannot run it: line \d: ReferenceError: nowhere is not defined"
    ):
        import_text(tmp_path, "ecosystem.config.js", "module.exports = nowhere;")


def test_a_program_without_node_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedFileError, match=r"is a program, and node is not installed"):
        import_text(tmp_path, "ecosystem.config.js", "module.exports = [];")
