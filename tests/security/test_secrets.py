"""Secrets appear only where their owner put them, and files are private."""

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISDIR
from typing import TypeVar

import pytest

from tests.eventually import DEADLINE, eventually
from tests.running import PMTUI, Running, running
from tests.security.conftest import put_token

T = TypeVar("T")
TOKEN = "t0ken-of-the-api-8f3a"
SECRET = "s3cret-value"  # with a letter behind it in each place
PROBE = "while :; do sleep 0.1; done"
CONFIG = {
    "settings": {
        "env": {"OPENAI_API_KEY": f"{SECRET}-a"},
        "pocketbase": {"dsn": f"postgres://u:{SECRET}-b@h/db"},
        "hooks": {"crash": f"http://127.0.0.1:9/{SECRET}-c", "failed": ["sh", "-c", "env > hook.env"]},
    },
    "processes": [
        {
            "id": "web",
            "command": PROBE,
            "shell": True,
            "env": {"DB_PASSWORD": f"{SECRET}-d", "URL": f"redis://:{SECRET}-e@h/1"},
            "envFile": "secrets.env",
            "health": {"command": ["sh", "-c", "env > health.env"], "interval": "1s"},
        },
        {"id": "bad", "command": "/no/such/program", "env": {"X_TOKEN": f"{SECRET}-g"}, "maxRetries": 0},
        {
            "id": "worse",
            "command": "false",
            "env": {"A_SECRET": f"{SECRET}-h", "B": "${A_SECRET:?}${"},
            "maxRetries": 0,
        },
        {"id": "broken", "command": "x", "env": {"A_SECRET": [f"{SECRET}-i"]}, "cwdd": f"{SECRET}-j"},
    ],
}
ROUTES = [
    *("/api/health", "/api/pm/list", "/api/pm/config", "/api/pm/graph", "/metrics", "/openapi.json"),
    *(f"/api/pm/{name}{rest}" for name in ("web", "bad", "worse") for rest in ("", "/events", "/logs", "/logs/files")),
]
PRIVATE = ["sh", "-c", 'umask 000; ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A manager full of secrets, under a lax umask, whose hooks and probes have run."""
    folder = tmp_path_factory.mktemp("house")
    put_token(folder, TOKEN)
    (folder / "secrets.env").write_text(f"SESSION_KEY={SECRET}-f\n")
    own = {"PMTUI_TOKEN": TOKEN, "GITHUB_TOKEN": f"{SECRET}-k"}
    with running(folder, CONFIG, within=PRIVATE, env=own) as manager:
        manager.wait_running(["web"])
        for name in ("hook.env", "health.env"):
            eventually(lambda: (folder / name).exists() and (folder / name).read_text())  # noqa: B023
        yield manager


def has_secret(text: str | bytes) -> bool:
    told = text.decode(errors="replace") if isinstance(text, bytes) else text
    return SECRET in told or TOKEN in told


def look(*paths: Path, at: Callable[[Path], T]) -> dict[Path, T]:
    """Look at the files that are still there: the manager replaces some, and removes temporary ones."""
    seen = dict[Path, T]()
    for path in paths:
        with suppress(FileNotFoundError):
            seen[path] = at(path)
    return seen


def everybody(house: Running) -> list[int]:
    return [house.pid, house.guardian, house.row("web")["pid"]]


def test_only_the_processes_have_the_secrets(house: Running) -> None:
    environment = Path(f"/proc/{house.row('web')['pid']}/environ").read_text()
    for letter in "abdefk":
        assert f"{SECRET}-{letter}" in environment


@pytest.mark.parametrize("route", ROUTES)
def test_no_response_contains_a_secret(house: Running, route: str) -> None:
    status, body = house.fetch("GET", route)
    assert status == 200
    assert not has_secret(body)


def test_neither_log_nor_files_of_the_manager_contain_a_secret(house: Running) -> None:
    house.post("/api/pm/reload")
    house.post("/api/pm/web/restart?wait=true")
    files = [path for path in house.data.rglob("*") if path.is_file() and path.name != "token"]
    assert {path.name for path in files} >= {"instance.json", "state.json", "lock"}
    assert not [path for path, text in look(house.output, *files, at=Path.read_bytes).items() if has_secret(text)]


def test_no_command_line_contains_a_secret(house: Running) -> None:
    assert not [pid for pid in everybody(house) if has_secret(Path(f"/proc/{pid}/cmdline").read_bytes())]


def test_the_token_is_in_the_environment_of_no_process(house: Running) -> None:
    environments = [Path(f"/proc/{house.row('web')['pid']}/environ"), *house.folder.glob("*.env")]
    assert not [path for path in environments if TOKEN in path.read_text()]


def test_a_process_inherits_no_file_of_the_manager(house: Running) -> None:
    opened = Path(f"/proc/{house.row('web')['pid']}/fd")
    assert {path.name for path in opened.iterdir()} == {"0", "1", "2"}
    assert {os.readlink(path).partition(":")[0] for path in opened.iterdir()} == {"/dev/null", "pipe"}


def test_files_are_private_under_any_umask(house: Running) -> None:
    modes = look(house.data, *house.data.rglob("*"), at=lambda path: path.stat().st_mode)
    wanted = {path: "0o700" if S_ISDIR(mode) else "0o600" for path, mode in modes.items()}
    assert {path: oct(S_IMODE(mode)) for path, mode in modes.items()} == wanted


def test_no_core_file_of_manager_or_guardian_is_left(tmp_path: Path) -> None:
    config = [{"id": "a", "command": "sleep 600"}]
    with running(tmp_path, config, within=PRIVATE) as manager:
        worker = manager.wait_running(["a"])["a"]
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]

        def limits(*pids: int) -> list[tuple[int, int]]:
            return [resource.prlimit(pid, resource.RLIMIT_CORE) for pid in pids]

        assert limits(manager.pid, manager.guardian, worker) == [(0, hard), (0, hard), (hard, hard)]
        os.kill(manager.guardian, signal.SIGSEGV)
        eventually(lambda: manager.row("a")["pid"] not in (0, worker))
        assert limits(manager.row("a")["pid"]) == [(hard, hard)]
        manager.process.send_signal(signal.SIGSEGV)
        manager.process.wait()
        assert not [*tmp_path.glob("core*")]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_generated_token_does_not_serve_the_network(tmp_path: Path, host: str) -> None:
    (tmp_path / "pb_processes.json").write_text(json.dumps([{"id": "a", "command": "sleep 600"}]))
    environment = {name: value for name, value in os.environ.items() if name != "PMTUI_TOKEN"}
    command = [*PMTUI, "--no-ui", "--port", "0", "--host", host]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 2
    assert "PMTUI_TOKEN" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run a process as somebody else")
def test_a_process_of_another_user_cannot_read_the_token(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)  # so that nothing but the data folder keeps it out
    token = tmp_path / ".pmtui/token"
    command = f"cat {token}; ls {tmp_path}/.pmtui; id -G; exec sleep 600"
    with running(tmp_path, [{"id": "a", "command": command, "shell": True, "user": "nobody"}]) as manager:
        manager.wait_running(["a"])
        eventually(lambda: manager.log.count("Permission denied") == 2)
        assert token.read_text().strip() not in manager.log


@pytest.mark.parametrize("name", ["instance.json", "state.json"])
def test_a_fifo_in_the_data_directory_blocks_nobody(tmp_path: Path, name: str) -> None:
    (tmp_path / ".pmtui").mkdir()
    os.mkfifo(tmp_path / ".pmtui" / name)
    with running(tmp_path, [{"id": "a", "command": "sleep 600"}]) as manager:
        eventually(lambda: (tmp_path / ".pmtui" / name).is_file())
        manager.wait_running(["a"])
        assert manager.stop() == 0
