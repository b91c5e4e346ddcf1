"""`pmtui events`, `info`, `reload` and `metrics`."""

import json
import subprocess

from tests.cli.shell import CLEAN, pmtui
from tests.running import PMTUI, Running


def test_the_last_events_are_shown_in_order(house: Running) -> None:
    done = pmtui(house.folder, "events", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    assert [event["to"] for event in events if event["id"] == "job"][-1] == "completed"
    assert pmtui(house.folder, "events", "job", "-n", "1").stdout.split()[2:5] == ["job", "✓", "completed"]


def test_following_shows_each_event_once(own: Running) -> None:
    words = [*PMTUI, "events", "web-1", "-f", "--json"]
    following = subprocess.Popen(words, cwd=own.folder, env=CLEAN, stdout=subprocess.PIPE)
    assert following.stdout is not None
    with following, following.stdout as lines:
        assert [json.loads(lines.readline())["to"] for _ in range(2)] == ["starting", "running"]
        own.post("/api/pm/web-2/stop")
        own.post("/api/pm/web-1/stop")
        told = [json.loads(lines.readline()) for _ in range(2)]
        assert [(event["id"], event["to"]) for event in told] == [("web-1", "stopping"), ("web-1", "stopped")]
        following.terminate()


def test_info_shows_the_details_of_a_process(house: Running) -> None:
    done = pmtui(house.folder, "info", "bad", SECRET_TOKEN="hush")
    assert done.returncode == 0
    for words in ("✖ failed  because (exit 3", "last exits", "    because", "PMTUI_ID=bad", str(house.folder)):
        assert words in done.stdout
    assert json.loads(pmtui(house.folder, "info", "bad", "--json").stdout)["id"] == "bad"
    assert pmtui(house.folder, "info", "nobody").stderr == "pmtui: Process 'nobody' not found.\n"


def test_metrics_are_those_of_the_api(house: Running) -> None:
    assert 'pmtui_process_up{id="web-1"} 1' in pmtui(house.folder, "metrics").stdout.splitlines()


def test_a_reload_shows_its_changes(own: Running) -> None:
    path = own.folder / "pb_processes.json"
    entries = json.loads(path.read_text())
    entries[1]["command"] = "sleep 601"
    path.write_text(json.dumps([*entries[:-1], {"id": "new", "command": "sleep 600"}]))
    said = "+ new\n~ web-2\n- off\n4 unchanged\n"
    assert pmtui(own.folder, "reload", "--dry-run").stdout == said
    assert pmtui(own.folder, "reload").stdout == said
    assert pmtui(own.folder, "wait", "new", "web-2").returncode == 0


def test_a_broken_config_changes_nothing(own: Running) -> None:
    (own.folder / "pb_processes.json").write_text("[{")
    done = pmtui(own.folder, "reload")
    assert done.returncode == 2
    assert done.stdout.endswith("nothing has changed\n")
    assert own.row("web-1")["status"] == "running"
