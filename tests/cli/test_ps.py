"""`pmtui ps`: every manager that runs, and none that does not."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from pmtui.text.timestamps import epoch_ms
from tests.cli.shell import pmtui
from tests.eventually import eventually
from tests.running import running


def listed(folder: Path, **env: str) -> list[dict[str, Any]]:
    done = pmtui(folder, "ps", "--json", **env)
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_managers_are_listed_while_they_run(tmp_path: Path) -> None:
    runtime, one, two = (tmp_path / name for name in ("runtime", "one", "two"))
    for folder in (runtime, one, two):
        folder.mkdir()
    env, begin = {"XDG_RUNTIME_DIR": str(runtime)}, time.time()
    with running(one, [], env=env) as first, running(two, [], "--no-api", env=env) as second:
        first.wait_until_served()
        eventually(lambda: len(list((runtime / "pmtui").glob("*.json"))) == 2)
        rows = {row["pid"]: row for row in listed(one, **env)}
        assert set(rows) >= {first.pid, second.pid}
        row = rows[first.pid]
        assert set(row) == {"pid", "config", "url", "version", "startTime"}
        assert (row["config"], row["url"]) == (str(one / "pb_processes.json"), first.url)
        assert int(begin * 1000) <= epoch_ms(row["startTime"]) <= time.time() * 1000
        assert rows[second.pid]["url"] is None
        text = pmtui(one, "ps", **env).stdout
        assert f"{first.url}  {one}/pb_processes.json" in " ".join(text.split(" "))
        first.process.send_signal(signal.SIGSTOP)  # it does not answer, but runs
        assert first.pid in {row["pid"] for row in listed(one, **env)}
        os.kill(first.pid, signal.SIGKILL)
        first.process.wait()
        assert first.pid not in {row["pid"] for row in listed(one, **env)}
        assert second.stop() == 0
        assert list((runtime / "pmtui").iterdir()) == []


def test_a_registry_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "pmtui").mkdir()
    (tmp_path / "pmtui").chmod(0o777)
    (tmp_path / "pmtui" / f"{os.getpid()}.json").write_text(json.dumps({"pid": os.getpid()}))
    pids = {row["pid"] for row in listed(tmp_path, XDG_RUNTIME_DIR=str(tmp_path))}
    assert os.getpid() not in pids
