"""A real PocketBase with the hook, as its user starts it: `./pocketbase serve` in its own directory."""

import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.eventually import DEADLINE, eventually, is_alive
from tests.servers import free_port

BINARY = shutil.which("pocketbase", path=os.path.dirname(sys.executable)) or shutil.which("pocketbase")
PMTUI = Path(sys.executable).parent / "pmtui"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PMTUI_", "PB_"))}
SUPERUSER = ("root@example.com", "a-long-password")
USER = ("user@example.com", "another-password")


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(
    port: int, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] | None = None
) -> Reply:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        client.request(method, path, body, headers or {})
        response = client.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        client.close()


class PocketBase:
    """Serves in `folder` until `stop`; `token` opens its API as a superuser."""

    def __init__(self, folder: Path, *options: str, env: Mapping[str, str] | None = None, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.token = ""
        self.output = folder / "pocketbase.out"
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                ["./pocketbase", "serve", "--http", f"127.0.0.1:{self.port}", *options],
                cwd=folder,
                env={**CLEAN, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def instance(self) -> dict[str, Any]:
        """What the manager has published; empty while there is none."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.folder / ".pmtui" / "instance.json").read_text())
            return found if isinstance(found, dict) else {}
        return {}

    @property
    def manager(self) -> int:
        """The pid of the manager, or of the last one there was."""
        return int(self.instance.get("pid", 0))

    @property
    def secret(self) -> str:
        return (self.folder / ".pmtui" / "token").read_text().strip()

    def fetch(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {"Authorization": token, **(headers or {})} if token else headers or {}
        return fetch(self.port, method, path, body, headers=sent)

    def post_json(self, path: str, body: object, *, token: str = "") -> Any:
        reply = self.fetch("POST", path, json.dumps(body).encode(), token=token, headers={"Content-Type": JSON})
        assert reply.status == 200, reply
        return reply.json

    def sign_in(self, account: tuple[str, str], collection: str = "_superusers") -> str:
        identity, password = account
        path = f"/api/collections/{collection}/auth-with-password"
        return str(self.post_json(path, {"identity": identity, "password": password})["token"])

    def status_of(self, path: str) -> int:
        """What PocketBase answers; 0 while it does not. Raises AssertionError if it has ended."""
        assert self.process.poll() is None, self.log
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.fetch("GET", path, token=self.token).status
        return 0

    def wait_until_served(self) -> "PocketBase":
        eventually(lambda: self.status_of("/api/health") == 200)
        self.token = self.sign_in(SUPERUSER)
        return self

    def rows(self) -> list[dict[str, Any]]:
        reply = self.fetch("GET", "/api/pm/list", token=self.token)
        return [*reply.json] if reply.status == 200 else []

    def row(self, process_id: str) -> dict[str, Any]:
        return next((row for row in self.rows() if row["id"] == process_id), {})

    def wait_running(self, *ids: str) -> dict[str, int]:
        """Return when these run; their pids."""

        def pids() -> dict[str, int]:
            return {row["id"]: row["pid"] for row in self.rows() if row["status"] == "running" and row["id"] in ids}

        return eventually(lambda: found if len(found := pids()) == len(ids) else None) or {}

    def logged(self, text: str) -> list[dict[str, Any]]:
        """The records in PocketBase's log whose message contains `text`, oldest first."""
        self.flush_log()
        quoted = "".join(f"%{byte:02x}" for byte in text.encode())  # this request is in the log too, but not its text
        found: list[dict[str, Any]] = []
        for page in itertools.count(1):
            path = f"/api/logs?perPage={PER_PAGE}&page={page}&sort=@rowid&filter=message~'{quoted}'"
            reply = self.fetch("GET", path, token=self.token)
            assert reply.status == 200, reply
            found += reply.json["items"]
            if len(reply.json["items"]) < PER_PAGE:
                break
        return found

    def flush_log(self) -> None:
        """Have the log written now: PocketBase does so every 200 records, or after three quiet seconds."""
        body = json.dumps([[0, "filler", "", "", ""]] * 200).encode()
        with contextlib.suppress(FileNotFoundError):  # no manager has run here
            self.post_log(body, hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest())

    def post_log(self, body: bytes, signature: str) -> int:
        return self.fetch("POST", "/_pm/log", body, headers={"X-Pmtui-Signature": signature}).status

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


JSON = "application/json"
PER_PAGE = 500


@contextlib.contextmanager
def serving(folder: Path, *options: str, env: Mapping[str, str] | None = None, port: int = 0) -> Iterator[PocketBase]:
    """A PocketBase that is gone at the end, and the manager with it, whatever happens in between."""
    pocketbase = PocketBase(folder, *options, env=env, port=port)
    try:
        yield pocketbase.wait_until_served()
    finally:
        with contextlib.suppress(ProcessLookupError):
            pocketbase.process.send_signal(signal.SIGCONT)
        try:
            pocketbase.terminate()
        except subprocess.TimeoutExpired:
            pocketbase.process.kill()
            pocketbase.process.wait()
        eventually(lambda: pocketbase.instance.get("boundTo") != pocketbase.pid or not is_alive(pocketbase.manager))


def plugin(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `pmtui plugin` in the folder."""
    return subprocess.run(
        [PMTUI, "plugin", *words], cwd=folder, env=CLEAN | env, capture_output=True, text=True, timeout=DEADLINE
    )


def pocketbase_command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["./pocketbase", *words], cwd=folder, env=CLEAN, capture_output=True, text=True, timeout=DEADLINE
    )


def write_config(folder: Path, config: object) -> None:
    (folder / "pb_processes.json").write_text(config if isinstance(config, str) else json.dumps(config))
