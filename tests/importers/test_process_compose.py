"""Projects of process-compose, as YAML and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from pmtui.importers.builder import UnsupportedFileError
from tests.importers.support import import_text, lost

DEFAULTS = {"restart": "never", "stopTimeout": "10s"}

STACK = """\
version: "0.5"
environment:
  - "LOG=debug"
vars: {PORT: 8080}
processes:
  db:
    command: postgres -D "$PGDATA"
    readiness_probe:
      exec: {command: pg_isready -h localhost}
      period_seconds: 2
      initial_delay_seconds: 5
    shutdown: {signal: 2, timeout_seconds: 20}
  api:
    command: ./serve --port {{.PORT}}
    working_dir: backend
    depends_on:
      db: {condition: process_healthy}
      schema: {condition: process_completed_successfully}
    availability: {restart: on_failure, backoff_seconds: 2, max_restarts: 5}
    environment: ["HOME_OF=${HOME}/x", "RATE=5$$", "MODE=${MODE:-dev}"]
    liveness_probe: {http_get: {port: 8080, path: /health}, initial_delay_seconds: 60, failure_threshold: 5}
    namespace: backend
  schema:
    command: ./migrate && echo "done $$"
"""


def one(folder: Path, **fields: Any) -> dict[str, Any]:
    """Our fields of one process."""
    imported = import_text(folder, "process-compose.json", json.dumps({"processes": {"a": {"command": "a"} | fields}}))
    return imported.processes["a"]


def losses(folder: Path, **fields: Any) -> list[tuple[str, str]]:
    text = json.dumps({"processes": {"a": {"command": "a"} | fields}})
    return lost(import_text(folder, "process-compose.json", text))


def test_a_project_keeps_its_graph_its_probes_and_its_policy(tmp_path: Path) -> None:
    imported = import_text(tmp_path, "process-compose.yaml", STACK)
    assert imported.settings == {"env": {"LOG": "debug"}}
    assert imported.processes == {
        "db": {
            "command": "bash",
            "args": ["-c", 'postgres -D "$PGDATA"'],
            "health": {
                "command": ["pg_isready", "-h", "localhost"],
                "interval": "2s",
                "timeout": "1s",
                "failureThreshold": 3,
                "successThreshold": 1,
                "startPeriod": "8s",
            },
            "restart": "never",
            "maxRetries": 0,
            "stopSignal": "SIGINT",
            "stopTimeout": "20s",
        },
        "api": {
            "command": "./serve --port 8080",
            "cwd": "backend",
            "dependsOn": {"db": "healthy", "schema": "succeeded"},
            "restart": "on-failure",
            "maxRetries": 5,
            "backoff": "2s",
            "maxBackoff": "2s",
            "env": {"HOME_OF": "${HOME}/x", "RATE": "5$$", "MODE": "${MODE:-dev}"},
            "health": {
                "http": "http://127.0.0.1:8080/health",
                "interval": "10s",
                "timeout": "1s",
                "failureThreshold": 5,
                "successThreshold": 1,
                "startPeriod": "105s",
            },
            "group": "backend",
            "stopTimeout": "10s",
        },
        "schema": {"command": "bash", "args": ["-c", './migrate && echo "done $"'], **DEFAULTS},
    }
    assert imported.losses == []


def test_the_env_file_of_the_folder_is_read_unless_it_is_switched_off(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    assert one(tmp_path)["envFile"] == [".env"]


def test_a_value_that_the_program_itself_reads_in_another_way_is_a_loss(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=$A ${A}\nC=$HOME/x\nD=${NO:-d}\nE='${NO:-d}'\nF=pa$$word ${no:-f}\n")
    imported = import_text(tmp_path, "process-compose.json", '{"processes": {"a": {"command": "./a"}}}', {"HOME": "/"})
    assert lost(imported) == [("", ".env: C"), ("", ".env: D"), ("", ".env: F")]
    text = json.dumps({"is_dotenv_disabled": True, "processes": {"a": {"command": "a"}}})
    assert "envFile" not in import_text(tmp_path, "process-compose.json", text).processes["a"]


def test_a_restart_without_end_is_one(tmp_path: Path) -> None:
    fields = one(tmp_path, availability={"restart": "always"})
    assert (fields["restart"], fields["maxRetries"], fields["backoff"]) == ("always", -1, "1s")


def test_variables_of_a_policy_are_filled_in_now(tmp_path: Path) -> None:
    fields = one(
        tmp_path,
        availability={"restart": "${HOW:-always}", "max_restarts": "${MOST:-3}", "exit_on_end": "${ENDS:-false}"},
        disabled="${OFF:-true}",
    )
    assert (fields["restart"], fields["maxRetries"], fields["autostart"]) == ("always", 3, False)
    assert losses(tmp_path, availability={"exit_on_end": "${ENDS:-false}"}) == []
    assert losses(tmp_path, availability={"restart": "${HOW}"}) == [("a", "availability.restart"), ("a", "${HOW}")]


def test_the_only_replica_is_number_0(tmp_path: Path) -> None:
    probe = {"http_get": {"host": "127.0.0.1", "port": "404{{.PC_REPLICA_NUM}}"}}
    assert one(tmp_path, command="serve 404{{.PC_REPLICA_NUM}}")["command"] == "serve 4040"
    assert one(tmp_path, readiness_probe=probe)["health"]["http"] == "http://127.0.0.1:4040/"


def test_replicas_that_differ_by_their_number_are_processes_of_their_own(tmp_path: Path) -> None:
    probe = {"http_get": {"host": "127.0.0.1", "port": "404{{.PC_REPLICA_NUM}}"}}
    server = {"command": "serve $PC_REPLICA_NUM", "readiness_probe": probe, "replicas": 2}
    user = {"command": "use", "depends_on": {"server": {"condition": "process_healthy"}}}
    text = json.dumps({"processes": {"server": server, "user": user}})
    imported = import_text(tmp_path, "process-compose.json", text)
    assert imported.losses == []
    healths = [imported.processes[f"server-{number}"]["health"]["http"] for number in range(2)]
    assert healths == ["http://127.0.0.1:4040/", "http://127.0.0.1:4041/"]
    assert imported.processes["user"]["dependsOn"] == {"server-0": "healthy", "server-1": "healthy"}
    assert imported.processes["server-1"].get("env", {}) == {}


def test_a_project_is_merged_with_the_one_it_extends(tmp_path: Path) -> None:
    (tmp_path / "root.yaml").write_text("environment: [A=1]\nprocesses: {web: {command: x, environment: [B=1, C=1]}}")
    (tmp_path / "base.yaml").write_text("extends: root.yaml\nprocesses: {db: {command: db}}")
    web = {"command": "serve", "environment": ["C=2"]}
    text = json.dumps({"extends": "base.yaml", "processes": {"web": web}})
    imported = import_text(tmp_path, "process-compose.json", text)
    assert (imported.losses, imported.settings["env"], [*imported.processes]) == ([], {"A": "1"}, ["web", "db"])
    assert imported.processes["web"]["command"] == "serve"
    assert imported.processes["web"]["env"] == {"B": "1", "C": "2"}


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("missing.yaml", "extends: .*missing.yaml does not exist"),
        ("loop.yaml", "extends itself"),
        ("bad.yaml", "line 1"),
    ],
)
def test_a_base_that_cannot_be_read_is_an_error(tmp_path: Path, base: str, message: str) -> None:
    (tmp_path / "loop.yaml").write_text("extends: loop.yaml\nprocesses: {a: {command: a}}")
    (tmp_path / "bad.yaml").write_text("a: b: c")
    with pytest.raises(UnsupportedFileError, match=message):
        import_text(
            tmp_path, "process-compose.json", json.dumps({"extends": base, "processes": {"a": {"command": "a"}}})
        )


def test_a_schedule_makes_a_job(tmp_path: Path) -> None:
    fields = one(tmp_path, command="date", schedule={"cron": "*/5 * * * *", "timezone": "UTC"})
    assert (fields["schedule"], fields["timezone"], fields["restart"]) == ("*/5 * * * *", "UTC", "never")
    fields = one(tmp_path, command="date", schedule={"interval": "30s"}, availability={"restart": "always"})
    assert (fields["schedule"], fields["restart"]) == ("every 30s", "never")


def test_a_list_of_words_needs_no_shell(tmp_path: Path) -> None:
    text = json.dumps({"processes": {"a": {"entrypoint": ["serve", "--name", "two words"], "args": ["-v"]}}})
    fields = import_text(tmp_path, "process-compose.json", text).processes["a"]
    assert (fields["command"], fields["args"]) == ("serve", ["--name", "two words", "-v"])


def test_another_shell_is_kept(tmp_path: Path) -> None:
    text = json.dumps({"shell": {"shell_command": "zsh"}, "processes": {"a": {"command": "echo $x"}}})
    fields = import_text(tmp_path, "process-compose.json", text).processes["a"]
    assert (fields["command"], fields["args"]) == ("zsh", ["-c", "echo $x"])


def test_two_probes_become_one_and_the_other_is_a_loss(tmp_path: Path) -> None:
    ready, alive = {"exec": {"command": "ready"}}, {"exec": {"command": "alive"}}
    assert one(tmp_path, readiness_probe=ready, liveness_probe=alive)["health"]["command"] == ["ready"]
    assert losses(tmp_path, readiness_probe=ready, liveness_probe=alive) == [("a", "liveness_probe")]
    assert losses(tmp_path, readiness_probe=ready, liveness_probe=ready) == []


def test_a_line_that_tells_readiness_is_looked_for_as_it_stands(tmp_path: Path) -> None:
    assert one(tmp_path, ready_log_line="up (1.0)")["health"] == {"log": r"up\ \(1\.0\)"}


def test_names_that_are_no_ids_are_renamed_where_others_depend_on_them(tmp_path: Path) -> None:
    processes = {"_my db": {"command": "a"}, "b": {"command": "b", "depends_on": {"_my db": {}}}}
    imported = import_text(tmp_path, "process-compose.json", json.dumps({"processes": processes}))
    assert imported.processes["b"]["dependsOn"] == {"my-db": "started"}


def test_what_cannot_be_depended_on_is_a_loss(tmp_path: Path) -> None:
    assert losses(tmp_path, depends_on={"gone": {"condition": "process_started"}}) == [("a", "depends_on")]


def test_a_circle_of_dependencies_is_broken_and_told(tmp_path: Path) -> None:
    processes = {"a": {"command": "a", "depends_on": {"b": {}}}, "b": {"command": "b", "depends_on": {"a": {}}}}
    imported = import_text(tmp_path, "process-compose.json", json.dumps({"processes": processes}))
    assert len(imported.losses) == 1
    assert "dependency cycle" in imported.losses[0].reason


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"is_elevated": True}, "is_elevated"),
        ({"schedule": {"cron": "* * * * *", "run_on_start": True}}, "schedule.run_on_start"),
        ({"log_location": "./a.log"}, "log_location"),
        ({"log_configuration": {"rotation": {"compress": True}}}, "log_configuration.rotation.compress"),
        ({"shutdown": {"parent_only": True}}, "shutdown.parent_only"),
        ({"shutdown": {"send_keys": "q"}}, "shutdown.send_keys"),
        ({"availability": {"exit_on_end": True}}, "availability.exit_on_end"),
        ({"availability": {"exit_on_skipped": True}}, "availability.exit_on_skipped"),
        ({"availability": {"restart": "exit_on_failure"}}, "availability.restart"),
        ({"watch": {"cascade": True}}, "watch.cascade"),
        ({"readiness_probe": {"exec": {"command": "a", "user": "x"}}}, "readiness_probe.exec.user"),
        ({"readiness_probe": {"http_get": {"port": 1, "status_code": 204}}}, "readiness_probe.http_get.status_code"),
        ({"readiness_probe": {"grpc": {"port": 1}}}, "readiness_probe"),
        ({"monitor_for": "silence"}, "monitor_for"),
        ({"extends": "b"}, "extends"),
        ({"command": "echo {{or .A .B}}"}, "{{or .A .B}}"),
        ({"namespace": ["a", "b"]}, "namespace"),
        ({"command": "echo {{.UNKNOWN}}"}, "{{.UNKNOWN}}"),
        ({"working_dir": "${NOWHERE}/x"}, "${NOWHERE}"),
        ({"frobnicate": 1}, "frobnicate"),
        ({"environment": {"A B": "x", "C=D": "y"}}, "env.C=D"),
    ],
)
def test_what_has_no_counterpart_is_named(tmp_path: Path, fields: dict[str, Any], source: str) -> None:
    assert losses(tmp_path, **fields) == [("a", source)]


def test_a_probe_may_fail_for_as_long_as_it_may_there(tmp_path: Path) -> None:
    times = {"period_seconds": 5, "failure_threshold": "${TRIES:-24}", "initial_delay_seconds": 3}
    health = one(tmp_path, readiness_probe={"http_get": {"port": 80}} | times)["health"]
    assert (health["interval"], health["failureThreshold"]) == ("5s", 24)
    assert health["startPeriod"] == "99s", "then 24 checks a second apart: 3 + 24 * 5 seconds"


@pytest.mark.parametrize(("restart", "retries"), [("no", 0), ("on_failure", -1)])
def test_what_is_not_restarted_is_not_restarted_as_unhealthy_either(tmp_path: Path, restart: str, retries: int) -> None:
    probe = {"exec": {"command": "test -e up", "working_dir": "run dir"}}
    fields = one(tmp_path, readiness_probe=probe, availability={"restart": restart, "backoff_seconds": 0})
    assert fields["health"]["command"] == ["bash", "-c", "cd 'run dir' && test -e up"]
    assert fields["maxRetries"] == retries
    assert fields.get("backoff", "1s") == "1s"


def test_daemons_terminals_and_their_ends_are_kept(tmp_path: Path) -> None:
    stop = {"command": "docker stop db", "timeout_seconds": 7}
    fields = one(tmp_path, command="docker run -d db", is_daemon=True, shutdown=stop)
    assert (fields["detached"], fields["stopCommand"]) == (True, ["bash", "-c", "docker stop db"])
    assert (one(tmp_path, is_tty=True)["tty"], losses(tmp_path, is_tty=True)) == (True, [])
    fields = one(tmp_path, is_foreground=True)
    assert (fields["tty"], fields["autostart"]) == (True, False)


def test_good_exit_codes_are_added_to_0(tmp_path: Path) -> None:
    assert one(tmp_path, success_exit_codes=[143])["successExitCodes"] == [0, 143]


def test_no_replicas_are_one(tmp_path: Path) -> None:
    assert one(tmp_path, replicas=0).keys() & {"instances", "autostart"} == set()


def test_logs_are_rotated_as_there(tmp_path: Path) -> None:
    rotation = {"max_size_mb": 2, "max_backups": 4}
    assert one(tmp_path, log_configuration={"rotation": rotation})["log"] == {"maxSize": 2 << 20, "keep": 4}


def test_a_condition_may_be_a_mere_word(tmp_path: Path) -> None:
    processes = {"a": {"command": "a"}, "b": {"command": "b", "depends_on": {"a": "process_completed"}}}
    imported = import_text(tmp_path, "process-compose.json", json.dumps({"processes": processes}))
    assert imported.processes["b"]["dependsOn"] == {"a": "completed"}


def test_watched_paths_start_at_the_folder_of_the_process(tmp_path: Path) -> None:
    watch = {"paths": [{"path": "src", "exclude": ["*.tmp"]}], "cascade": False}
    fields = one(tmp_path, working_dir="app", watch=watch)
    assert (fields["watchPaths"], fields["watchIgnore"], fields["watchDebounce"]) == (["app/src"], ["*.tmp"], "300ms")


def test_the_option_of_a_shell_is_kept(tmp_path: Path) -> None:
    shell = {"shell_command": "python3", "shell_argument": "-m"}
    text = json.dumps({"shell": shell, "processes": {"a": {"command": "http.server"}}})
    fields = import_text(tmp_path, "process-compose.json", text).processes["a"]
    assert (fields["command"], fields["args"]) == ("python3", ["-m", "http.server"])


def test_templates_are_left_alone_where_they_are_switched_off(tmp_path: Path) -> None:
    command = "docker inspect -f {{.State.Running}} x"
    assert one(tmp_path, command=command, is_template_disabled=True)["args"] == ["-c", command]
    assert one(tmp_path, command='docker inspect -f {{ "{{.State.Running}}" }} x')["args"] == ["-c", command]


@pytest.mark.parametrize("start", ["{{", "{{ ", '{{"', "{{.a", "{{ x", "{{" + " " * 1000], ids=len)
def test_templates_without_an_end_take_no_time_to_read(tmp_path: Path, start: str) -> None:
    command = start * max(1, 200_000 // len(start))
    assert one(tmp_path, command=command)["args"] == ["-c", command.strip()]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("processes:\n  a: {command: x,\n      command: y}\n", 3),
        ("processes: {a: {command: x}}\nvars: {a: 1, a: 2}\n", 2),
        ("x-a: 1\nx-a: 2\nprocesses: {a: {command: x}}\n", 2),
    ],
)
def test_a_name_that_is_written_twice_is_refused(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(UnsupportedFileError, match=f"line {line}: .* is written twice"):
        import_text(tmp_path, "p.yaml", text)


def test_what_is_never_read_may_say_things_twice(tmp_path: Path) -> None:
    text = "x-base:\n  note: 1\n  note: 2\nodd: {a: 1, a: 2}\nprocesses:\n  a: {command: a}\n"
    imported = import_text(tmp_path, "p.yaml", text)
    assert imported.processes["a"]["command"] == "a"
    assert lost(imported) == [("", "odd")]


@pytest.mark.parametrize(
    ("availability", "option"),
    [
        ({"exit_on_end": True}, "--exit-with a"),
        ({"exit_on_skipped": True}, "--exit-on-failure"),
        ({"restart": "exit_on_failure"}, "--exit-on-failure"),
    ],
)
def test_how_to_end_with_a_process_is_said(tmp_path: Path, availability: dict[str, Any], option: str) -> None:
    text = json.dumps({"processes": {"a": {"command": "a", "availability": availability}}})
    (loss,) = import_text(tmp_path, "process-compose.json", text).losses
    assert f"pmtui --no-ui {option}," in loss.reason
