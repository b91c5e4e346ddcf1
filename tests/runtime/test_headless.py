"""`pmtui --no-ui` as its user sees it: real programs, controlled over HTTP."""

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pmtui.runtime.session import log_to
from tests.eventually import DEADLINE, eventually, is_alive
from tests.running import PMTUI, Running, running

SLEEP = {"id": "a", "command": "sleep 600"}
SLOW = {
    "id": "a",
    "command": "trap 'until [ -e go ]; do sleep 0.02; done; exit' TERM; echo ready; while :; do sleep 0.02; done",
    "shell": True,
    "stopTimeout": "10m",
}


def test_python_in_its_venv_and_node_run_and_answer(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    agent.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", agent / ".venv"], check=True)
    (agent / "agent.py").write_text("import sys, time\nprint('prefix', sys.prefix)\ntime.sleep(600)\n")
    config = [{"id": "agent", "script": "agent.py", "cwd": "agent"}]
    if shutil.which("node"):
        (tmp_path / "worker.js").write_text(
            "console.log('node says ' + process.env.PMTUI_ID);setInterval(() => {}, 1e6)"
        )
        config.append({"id": "worker", "script": "worker.js"})
    with running(tmp_path, config) as manager:
        manager.wait_running([entry["id"] for entry in config])
        eventually(lambda: f"[agent][STDOUT] prefix {agent / '.venv'}" in manager.log)
        if len(config) == 2:
            eventually(lambda: "[worker][STDOUT] node says worker" in manager.log)
        log = agent.parent / ".pmtui/logs/agent-stdout.log"
        eventually(lambda: log.exists() and log.read_text().endswith(f"Z prefix {agent / '.venv'}\n"))
        assert manager.stop() == 0


def test_operations_over_http(tmp_path: Path) -> None:
    with running(tmp_path, [SLEEP]) as manager:
        pid = manager.wait_running(["a"])["a"]
        assert manager.post("/api/pm/a/restart") == (200, {"message": "Process restart initiated", "id": "a"})
        eventually(lambda: manager.row("a")["pid"] not in (0, pid))
        row = manager.row("a")
        assert (row["pid"] != pid, row["restartCount"], row["restartReason"]) == (True, 1, "user")
        assert manager.post("/api/pm/a/stop") == (200, {"message": "Process stopped", "id": "a"})
        assert manager.row("a")["status"] == "stopped"
        assert not is_alive(row["pid"])


def test_the_manager_starts_with_a_broken_config(tmp_path: Path) -> None:
    with running(tmp_path, '[\n  {"id": "a",,}\n]') as manager:
        manager.wait_until_served()
        assert manager.list() == []
        eventually(lambda: "pb_processes.json:2:14: expected" in manager.log)


def test_an_invalid_entry_is_skipped_and_the_others_run(tmp_path: Path) -> None:
    with running(tmp_path, [SLEEP, {"id": "b", "command": "x", "maxRetires": 3}]) as manager:
        manager.wait_running(["a"])
        assert [row["id"] for row in manager.list()] == ["a"]
        eventually(lambda: "processes[1].maxRetires: unknown field, did you mean maxRetries?" in manager.log)


def test_only_selected_processes_and_their_dependencies_are_started(tmp_path: Path) -> None:
    config: list[dict[str, object]] = [{**SLEEP, "id": name} for name in ("web-1", "web-2", "db", "other")]
    config[0]["dependsOn"] = ["db"]
    with running(tmp_path, config, "web-*") as manager:
        manager.wait_running(["web-1", "web-2", "db"])
        assert manager.row("other")["status"] == "stopped"


def test_an_unknown_id_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "pb_processes.json").write_text(json.dumps([SLEEP]))
    done = subprocess.run([*PMTUI, "--no-ui", "b"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "pmtui: no process matches 'b'; processes: a\n")


def test_a_second_manager_for_the_same_config_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, [SLEEP]) as manager:
        manager.wait_running(["a"])
        done = subprocess.run([*PMTUI, "--no-ui"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1
        assert f"a manager already runs for this config: pid {manager.pid}, http://127.0.0.1:" in done.stderr


def test_a_taken_port_is_reported_with_its_holder(tmp_path: Path) -> None:
    (tmp_path / "pb_processes.json").write_text(json.dumps([SLEEP]))
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = subprocess.run([*PMTUI, "--no-ui", "--port", str(port)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"port {port} is in use by" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr


def test_an_open_host_requires_a_token_set_by_the_user(tmp_path: Path) -> None:
    done = subprocess.run([*PMTUI, "--no-ui", "--host", "0.0.0.0"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "PMTUI_TOKEN" in done.stderr


def test_without_a_config_the_manager_starts_with_no_process(tmp_path: Path) -> None:
    with running(tmp_path, []) as manager:
        manager.wait_until_served()
        assert manager.list() == []


def test_files_are_private_and_removed_with_the_manager(tmp_path: Path) -> None:
    with running(tmp_path, [{"id": "a", "command": "echo hello; sleep 600", "shell": True}]) as manager:
        manager.wait_running(["a"])
        eventually((tmp_path / ".pmtui/logs/a-stdout.log").exists)
        data = tmp_path / ".pmtui"
        modes = {path.name: mode for path in (data, *data.iterdir()) if (mode := mode_of(path))}
        assert (modes.pop(".pmtui"), modes.pop("logs")) == ("0o700", "0o700")
        assert set(modes.values()) == {"0o600"}
        assert manager.stop() == 0
        assert not (data / "instance.json").exists()
        assert not (data / "state.json").exists()


def mode_of(path: Path) -> str:
    """Empty if the file is gone already, as one is that was written under another name first."""
    with suppress(FileNotFoundError):
        return oct(path.stat().st_mode & 0o777)
    return ""


def test_no_secret_is_on_the_console_or_in_the_data_directory(tmp_path: Path) -> None:
    config = [SLEEP | {"command": "sh", "args": ["-c", "sleep 600"], "env": {"DB_PASSWORD": "hunter22-secret"}}]
    with running(tmp_path, config) as manager:
        manager.wait_running(["a"])
        assert "hunter22" not in json.dumps(manager.get("/api/pm/a"))
        files = [path for path in (tmp_path / ".pmtui").rglob("*") if path.is_file()]
        assert "hunter22" not in manager.log + "".join(map(text_of, files))


def text_of(path: Path) -> str:
    """Empty if the file is gone already."""
    with suppress(FileNotFoundError):
        return path.read_text(errors="replace")
    return ""


def test_sighup_reloads_the_config_and_touches_only_what_changed(tmp_path: Path) -> None:
    config = [SLEEP | {"id": name} for name in ("keep", "change", "remove")]
    with running(tmp_path, config) as manager:
        before = manager.wait_running(["keep", "change", "remove"])
        changed = [SLEEP | {"id": "keep"}, SLEEP | {"id": "change", "args": []}, SLEEP | {"id": "add"}]
        changed[1] = {"id": "change", "command": "sleep 601"}
        (tmp_path / "pb_processes.json").write_text(json.dumps(changed))
        manager.process.send_signal(signal.SIGHUP)
        eventually(lambda: "reload: 1 added, 1 removed, 1 changed, 1 unchanged" in manager.log)
        eventually(lambda: [row["id"] for row in manager.list()] == ["keep", "change", "add"])
        after = manager.wait_running(["keep", "change", "add"])
        assert after["keep"] == before["keep"]
        assert after["change"] != before["change"]
        assert manager.row("change")["restartReason"] == "config"
        assert not is_alive(before["remove"])


@pytest.mark.parametrize("text", ["[{", None])
def test_a_broken_or_deleted_config_keeps_the_running_set(tmp_path: Path, text: str | None) -> None:
    with running(tmp_path, [SLEEP]) as manager:
        pid = manager.wait_running(["a"])["a"]
        if text is None:
            (tmp_path / "pb_processes.json").unlink()
        else:
            (tmp_path / "pb_processes.json").write_text(text)
        manager.process.send_signal(signal.SIGHUP)
        eventually(lambda: "reload: nothing changed" in manager.log)
        assert manager.row("a")["pid"] == pid


def reload(manager: Running, config: object) -> None:
    (manager.folder / "pb_processes.json").write_text(json.dumps(config))
    assert manager.post("/api/pm/reload")[0] == 200


def test_a_process_removed_added_and_removed_while_it_stops_is_gone(tmp_path: Path) -> None:
    config = [SLEEP | {"id": "keep"}, SLOW]
    with running(tmp_path, config) as manager:
        manager.wait_running(["a"])
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        for state in (config[:1], config, config[:1]):
            reload(manager, state)
        (tmp_path / "go").touch()
        eventually(lambda: [row["id"] for row in manager.list()] == ["keep"])


def test_changed_log_settings_apply_from_the_next_line_on(tmp_path: Path) -> None:
    command = "until [ -e go ]; do sleep 0.02; done; seq 100000; sleep 600"
    config = [{"id": "a", "command": command, "shell": True}]
    with running(tmp_path, config) as manager:
        manager.wait_running(["a"])
        reload(manager, [config[0] | {"log": {"maxSize": 4096, "keep": 2}}])
        (tmp_path / "go").touch()
        logs = tmp_path / ".pmtui/logs"
        eventually(lambda: len(list(logs.glob("a-stdout-*.log"))) == 2)


def test_files_of_removed_processes_are_closed(tmp_path: Path) -> None:
    with running(tmp_path, []) as manager:
        manager.wait_until_served()
        replace_all(manager, "first")  # now all is open that any process needs
        before = len(os.listdir(f"/proc/{manager.pid}/fd"))
        for number in range(10):
            replace_all(manager, f"p{number}")
        reload(manager, [])
        eventually(lambda: not manager.list())
        eventually(lambda: len(os.listdir(f"/proc/{manager.pid}/fd")) <= before)


def replace_all(manager: Running, process_id: str) -> None:
    """Run this process and no other, and wait until it is heard."""
    reload(manager, [{"id": process_id, "command": "echo hello; sleep 600", "shell": True}])
    eventually(lambda: f"[{process_id}][STDOUT] hello" in manager.log)


def test_a_reload_during_shutdown_starts_nothing(tmp_path: Path) -> None:
    config = [SLOW]
    with running(tmp_path, config) as manager:
        eventually(lambda: "[a][STDOUT] ready" in manager.log)
        (tmp_path / "pb_processes.json").write_text(json.dumps([*config, SLEEP | {"id": "new"}]))
        manager.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping all processes" in manager.log)
        manager.process.send_signal(signal.SIGHUP)
        eventually(lambda: "reload: The manager is not running, or is shutting down." in manager.log)
        (tmp_path / "go").touch()
        assert manager.process.wait(DEADLINE) == 0
        assert "new starting" not in manager.log


def test_the_headless_manager_never_imports_textual(tmp_path: Path) -> None:
    with running(tmp_path, [SLEEP]) as manager:
        manager.wait_running(["a"])
        maps = Path(f"/proc/{manager.pid}/maps").read_text()
        assert "textual" not in maps
        loaded = subprocess.run(
            [
                sys.executable,
                "-c",
                "import pmtui.runtime.headless, pmtui.api.server, sys; print('textual' in sys.modules)",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert loaded.stdout == "False\n"


def test_the_command_line_imports_neither_dashboard_nor_server() -> None:
    heavy = ("textual", "starlette", "uvicorn", "asyncio")
    code = f"import pmtui.cli.main, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_unread_output_blocks_nothing(tmp_path: Path) -> None:
    config = [{"id": "a", "command": "yes 0123456789", "log": {"file": False}}, SLEEP | {"id": "b"}]
    read, write = os.pipe()
    try:
        with running(tmp_path, config, stdout=write) as manager:
            pid = manager.wait_running(["a", "b"])["b"]
            assert manager.post("/api/pm/b/restart?wait=true")[0] == 200
            assert manager.row("b")["pid"] != pid
            assert manager.stop() == 0
    finally:
        os.close(read)
        os.close(write)


def test_a_message_is_one_line_and_its_traceback_follows() -> None:
    lines: list[tuple[str, str]] = []
    with log_to(lambda level, text: lines.append((level, text))):
        logging.getLogger("pmtui.somewhere").info("%s started", "a\nb")
        try:
            raise OSError("no room")
        except OSError:
            logging.getLogger("pmtui").exception("it failed")
    logging.getLogger("pmtui").error("later")
    assert lines[:3] == [
        ("INFO", "a\nb started"),
        ("ERROR", "it failed"),
        ("ERROR", "Traceback (most recent call last):"),
    ]
    assert lines[-1] == ("ERROR", "OSError: no room")
