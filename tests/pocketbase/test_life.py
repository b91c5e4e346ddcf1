"""The manager starts with PocketBase and ends with it."""

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.eventually import DEADLINE, eventually, is_alive
from tests.pocketbase.conftest import Serve
from tests.pocketbase.host import PMTUI, plugin, pocketbase_command, serving, write_config
from tests.running import running

SLEEPER = {"id": "ai-agent", "command": "sleep 600"}
STUBBORN = {
    "id": "stubborn",
    "shell": True,
    "command": "trap '' TERM; setsid sleep 600 & touch trapped; while :; do sleep 1; done",
}
SLOW = {
    "id": "slow",
    "shell": True,
    "command": "trap 'until [ -e go ]; do sleep 0.1; done; touch done; exit' TERM; touch trapped; "
    "while :; do sleep 0.1; done",
    "stopTimeout": "600s",
}


def wait_trapped(app: Path) -> None:
    """Return when the process ignores SIGTERM, or takes its time at it."""
    eventually(lambda: (app / "trapped").exists())


def test_starts_with_pocketbase_and_the_pid_is_recorded(serve: Serve, app: Path) -> None:
    env = {"id": "env", "command": "env > new; mv new env; exec sleep 600", "shell": True}
    pocketbase = serve([SLEEPER, env])
    pids = pocketbase.wait_running("ai-agent", "env")
    assert all(is_alive(pid) for pid in pids.values())
    eventually(lambda: (app / "env").exists())
    seen = dict(line.partition("=")[::2] for line in (app / "env").read_text().splitlines())
    assert (seen["PB_PORT"], seen["PB_DATA_DIR"]) == (str(pocketbase.port), str(app / "pb_data"))
    assert pocketbase.instance["boundTo"] == pocketbase.pid
    doctor = subprocess.run([PMTUI, "doctor"], cwd=app, capture_output=True, text=True).stdout
    assert f"the manager ends with pocketbase (pid {pocketbase.pid})" in doctor


def test_ends_with_sigterm_and_leaves_no_orphan(serve: Serve, app: Path) -> None:
    daemon = "setsid sleep 600 & echo $! > new; mv new daemon; exec sleep 600"
    pocketbase = serve([SLEEPER, SLOW, {"id": "daemon", "shell": True, "command": daemon}])
    pids = [*pocketbase.wait_running("ai-agent", "slow", "daemon").values(), pocketbase.manager]
    wait_trapped(app)
    eventually(lambda: (app / "daemon").exists())
    pids.append(int((app / "daemon").read_text()))
    pocketbase.process.send_signal(signal.SIGTERM)
    eventually(lambda: pocketbase.instance.get("stopping"))
    (app / "go").touch()
    assert pocketbase.process.wait(DEADLINE) == 0
    assert [pid for pid in pids if is_alive(pid)] == []  # now, not soon
    assert (app / "done").exists()


def test_ends_when_pocketbase_is_killed(serve: Serve, app: Path) -> None:
    pocketbase = serve([SLEEPER, {**STUBBORN, "stopTimeout": "600s"}])
    pids = [*pocketbase.wait_running("ai-agent", "stubborn").values(), pocketbase.manager]
    wait_trapped(app)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pids[1])], capture_output=True, text=True).stdout
    pids += map(int, children.split())
    pocketbase.process.kill()
    pocketbase.process.wait()
    eventually(lambda: not any(map(is_alive, pids)))
    assert not pocketbase.instance


def test_a_pocketbase_that_is_started_again_at_once_has_its_own_manager(serve: Serve, app: Path) -> None:
    first = serve([SLEEPER, {**STUBBORN, "stopTimeout": "200ms"}])
    first.wait_running("ai-agent", "stubborn")
    wait_trapped(app)
    first.process.kill()
    first.process.wait()
    with serving(app) as second:
        second.wait_running("ai-agent", "stubborn")
        assert second.instance["boundTo"] == second.pid


def test_a_second_sigterm_to_pocketbase_ends_all_at_once(serve: Serve, app: Path) -> None:
    pocketbase = serve([{**STUBBORN, "stopTimeout": "600s"}])
    pids = [*pocketbase.wait_running("stubborn").values(), pocketbase.manager]
    wait_trapped(app)
    pocketbase.process.send_signal(signal.SIGTERM)
    eventually(lambda: pocketbase.instance.get("stopping"))
    pocketbase.process.send_signal(signal.SIGTERM)
    pocketbase.process.wait(DEADLINE)
    eventually(lambda: not any(map(is_alive, pids)))


def test_sigterm_to_all_at_once_is_one_request(serve: Serve, app: Path) -> None:
    pocketbase = serve([SLOW])
    pid = pocketbase.wait_running("slow")["slow"]
    wait_trapped(app)
    guardian = json.loads((app / ".pmtui" / "state.json").read_text())["guardian"]
    for number in (pocketbase.pid, pocketbase.manager, guardian, pid):
        os.kill(number, signal.SIGTERM)
    (app / "go").touch()
    assert pocketbase.process.wait(DEADLINE) == 0
    assert (app / "done").exists()
    assert not is_alive(pid)


def test_a_changed_hook_restarts_pocketbase_and_the_manager(serve: Serve, app: Path) -> None:
    pocketbase = serve([SLEEPER])
    before = pocketbase.wait_running("ai-agent")["ai-agent"], pocketbase.manager
    add_hook(app)
    eventually(lambda: pocketbase.instance.get("pid", before[1]) != before[1])
    pocketbase.wait_until_served()
    assert pocketbase.wait_running("ai-agent")["ai-agent"] != before[0]
    assert not any(map(is_alive, before))
    assert pocketbase.process.poll() is None
    assert pocketbase.instance["boundTo"] == pocketbase.pid


def add_hook(app: Path) -> None:
    """Put a complete file in pb_hooks, so that PocketBase restarts once."""
    written = app / "other.pb.js"
    written.write_text("routerAdd('GET', '/hello', (e) => e.string(200, 'hello'))\n")
    written.rename(app / "pb_hooks" / written.name)


def test_a_changed_hook_does_not_end_pocketbase_while_a_process_takes_its_time(serve: Serve, app: Path) -> None:
    pocketbase = serve([SLOW])
    pocketbase.wait_running("slow")
    wait_trapped(app)
    before = pocketbase.manager
    add_hook(app)
    eventually(lambda: "host-start" in children_of(pocketbase.pid))  # PocketBase has restarted
    assert pocketbase.manager == before
    (app / "go").touch()
    eventually(lambda: pocketbase.manager != before)
    pocketbase.wait_until_served().wait_running("slow")


def children_of(pid: int) -> str:
    """The command lines of its children."""
    return subprocess.run(["ps", "-ww", "-o", "args=", "--ppid", str(pid)], capture_output=True, text=True).stdout


def test_other_commands_start_nothing(app: Path) -> None:
    write_config(app, [SLEEPER])
    assert pocketbase_command(app, "superuser", "upsert", "x@example.com", "password-of-x").returncode == 0
    assert not (app / ".pmtui").exists()


def test_other_commands_and_a_second_server_end_nothing(serve: Serve, app: Path) -> None:
    pocketbase = serve([SLEEPER])
    before = pocketbase.wait_running("ai-agent"), pocketbase.manager
    assert pocketbase_command(app, "superuser", "upsert", "x@example.com", "password-of-x").returncode == 0
    assert pocketbase_command(app, "serve", "--http", f"127.0.0.1:{pocketbase.port}").returncode != 0
    assert (pocketbase.wait_running("ai-agent"), pocketbase.manager) == before


def test_without_a_config_only_pocketbase_starts(app: Path) -> None:
    with serving(app) as pocketbase:
        reply = pocketbase.fetch("GET", "/api/pm/list", token=pocketbase.token)
        assert (reply.status, reply.json["status"], reply.json["data"]) == (503, 503, {})
        assert not (app / ".pmtui").exists()


def test_the_errors_of_a_config_are_in_the_log_and_the_good_entries_run(serve: Serve) -> None:
    unknown = {"id": "unknown", "command": "true", "maxRetires": 3}
    taken = {"id": "taken", "command": "true", "port": "auto", "pocketbase": {"route": "/api/files"}}
    pocketbase = serve([SLEEPER, unknown, taken])
    pocketbase.wait_running("ai-agent")
    assert [row["id"] for row in pocketbase.rows()] == ["ai-agent"]
    for error in ("maxRetires: unknown field", "belongs to PocketBase"):
        assert [record["level"] for record in eventually(lambda: pocketbase.logged(error))] == [8]  # noqa: B023


def test_a_config_that_is_no_json_is_reported_and_pocketbase_serves(serve: Serve) -> None:
    pocketbase = serve('[{"id": "ai-agent",')
    assert [record["level"] for record in eventually(lambda: pocketbase.logged("pb_processes.json:1:"))] == [8]
    assert pocketbase.rows() == []
    assert "pb_processes.json:1:" in pocketbase.fetch("GET", "/api/pm/config", token=pocketbase.token).json["errors"][0]


def test_a_named_config_and_the_environment_win(app: Path) -> None:
    folder = app / "agents"
    folder.mkdir()
    (folder / "mine.toml").write_text('[process.mine]\ncommand = "sleep 600"\n')
    (folder / "other.toml").write_text('[process.other]\ncommand = "sleep 600"\n')
    write_config(app, [SLEEPER])
    assert plugin(app, "install", "-c", "agents/mine.toml").returncode == 0
    for env, name in (({}, "mine"), ({"PMTUI_CONFIG": "agents/other.toml"}, "other")):
        with serving(app, env=env) as pocketbase:
            assert [row["id"] for row in eventually(pocketbase.rows)] == [name]


def test_dev_turns_hot_reload_on(serve: Serve) -> None:
    pocketbase = serve([SLEEPER], "--dev")
    pocketbase.wait_running("ai-agent")
    assert pocketbase.fetch("GET", "/api/pm/ai-agent", token=pocketbase.token).json["config"]["devMode"] is True


def test_a_manager_that_runs_already_is_used_and_left_running(app: Path) -> None:
    with running(app, [SLEEPER]) as manager:
        pid = manager.wait_running(["ai-agent"])["ai-agent"]
        with serving(app) as pocketbase:
            assert pocketbase.row("ai-agent")["pid"] == pid
        assert manager.row("ai-agent")["pid"] == pid


def test_pocketbase_serves_without_the_command_and_says_so(serve: Serve, app: Path) -> None:
    hook = app / "pb_hooks" / "pmtui.pb.js"
    text = hook.read_text()
    path = text.partition('const PMTUI = "')[2].partition('"')[0]
    hook.write_text(text.replace(path, "/nowhere/pmtui"))
    pocketbase = serve([SLEEPER])
    assert {record["level"] for record in eventually(lambda: pocketbase.logged("/nowhere/pmtui"))} == {8}


def test_the_manager_ends_when_the_hook_is_removed(serve: Serve, app: Path) -> None:
    pocketbase = serve([SLEEPER])
    pids = [*pocketbase.wait_running("ai-agent").values(), pocketbase.manager]
    assert plugin(app, "uninstall").returncode == 0
    eventually(lambda: not any(map(is_alive, pids)))
    eventually(lambda: pocketbase.status_of("/api/pm/list") == 404)
    assert pocketbase.process.poll() is None


def test_pocketbase_does_not_wait_for_processes_to_become_healthy(serve: Serve) -> None:
    pocketbase = serve([{**SLEEPER, "health": {"tcp": "127.0.0.1:1", "startPeriod": "600s"}}])
    eventually(lambda: pocketbase.row("ai-agent")["stage"] == "waiting-for-health")
