"""The output of the processes in PocketBase's log."""

import hashlib
import hmac
import os
import re
import signal
import time
from pathlib import Path

from pmtui.pocketbase.log_bridge import LINE_RATE
from tests.eventually import eventually
from tests.pocketbase.conftest import Serve

TALKER = {"id": "ai-agent", "shell": True, "command": "echo Hello World; echo 'ünsinn' >&2; exec sleep 600"}
FLOOD = {
    "id": "flood",
    "shell": True,
    "command": "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; touch done; exec sleep 600",
}


def attributes(record: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: record["data"][name] for name in ("process", "stream", "run")}


def test_stdout_is_info_and_stderr_an_error(serve: Serve) -> None:
    pocketbase = serve([TALKER])
    pocketbase.wait_running("ai-agent")
    (out,) = eventually(lambda: pocketbase.logged("[ai-agent][STDOUT]"))
    (error,) = eventually(lambda: pocketbase.logged("[ai-agent][STDERR]"))
    assert (out["level"], out["message"]) == (0, "[ai-agent][STDOUT] Hello World")
    assert (error["level"], error["message"]) == (8, "[ai-agent][STDERR] ünsinn")
    env = pocketbase.fetch("GET", "/api/pm/ai-agent", token=pocketbase.token).json["env"]
    assert attributes(out) == {"process": "ai-agent", "stream": "stdout", "run": env["PMTUI_RUN"]}
    assert pocketbase.logged("_pm/log") == []  # the request itself is not in the log


def test_of_a_flood_the_rest_is_counted_and_its_file_named(serve: Serve, app: Path) -> None:
    began = time.monotonic()
    pocketbase = serve([FLOOD])
    pocketbase.wait_running("flood")
    eventually(lambda: (app / "done").exists())
    path = app / ".pmtui" / "logs" / "flood-stdout.log"
    omission = re.compile(rf"\[flood\] (\d+) (?:lines more are|line more is) in {re.escape(str(path))}")

    def seen() -> list[int]:
        """Lines that are in the log, and lines that were left out."""
        shown, warnings = pocketbase.logged("[flood][STDOUT]"), pocketbase.logged("[flood] ")
        found = [omission.fullmatch(record["message"]) for record in warnings]
        assert all(found)
        assert {record["level"] for record in warnings} <= {4}
        omitted = sum(int(one[1]) for one in found if one)
        return [len(shown), omitted] if len(shown) + omitted == 20000 else []

    shown, omitted = eventually(seen)
    assert 100 <= shown <= LINE_RATE * (time.monotonic() - began + 1)
    assert omitted > 0
    eventually(lambda: path.exists() and path.read_text().count("\n") == 20000)


def test_nothing_waits_for_a_pocketbase_that_stands_still(serve: Serve, app: Path) -> None:
    pocketbase = serve([{**FLOOD, "command": f"while [ ! -e go ]; do sleep 0.05; done; {FLOOD['command']}"}])
    pocketbase.wait_running("flood")
    os.kill(pocketbase.pid, signal.SIGSTOP)
    try:
        (app / "go").touch()
        eventually(lambda: (app / "done").exists())  # the process has finished its work
        path = app / ".pmtui" / "logs" / "flood-stdout.log"
        eventually(lambda: path.exists() and path.read_text().count("\n") == 20000)
    finally:
        os.kill(pocketbase.pid, signal.SIGCONT)
    assert eventually(lambda: pocketbase.logged("[flood] "))


def test_takes_nothing_that_the_manager_has_not_signed(serve: Serve) -> None:
    pocketbase = serve([TALKER])
    pocketbase.wait_running("ai-agent")
    body = b'[[8,"[ai-agent][STDERR] forged","ai-agent","stderr","1"]]'
    assert pocketbase.post_log(body, sign(body, "guess")) == 401
    assert pocketbase.post_log(body, "") == 401
    assert pocketbase.post_log(body, sign(b"other", pocketbase.secret)) == 401
    assert pocketbase.fetch("POST", "/_pm/log", body, token=pocketbase.token).status == 401  # nor a superuser
    genuine = body.replace(b"forged", b"genuine")
    assert pocketbase.post_log(genuine, sign(genuine, pocketbase.secret)) == 204
    assert eventually(lambda: pocketbase.logged("genuine"))
    assert pocketbase.logged("forged") == []


def test_what_the_manager_says_is_in_the_log(serve: Serve) -> None:
    pocketbase = serve([{"id": "broken", "command": "false", "maxRetries": 0}])
    (record,) = eventually(lambda: pocketbase.logged("[pmtui] broken failed"))
    assert record["level"] == 8


def sign(body: bytes, token: str) -> str:
    return hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
