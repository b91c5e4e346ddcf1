"""Servers of an agent that is killed."""

from pathlib import Path

from tests.eventually import eventually
from tests.faults.agent_killed import all_started, play
from tests.running import running


def test_nothing_outlives_an_agent_that_started_servers_with_leases(tmp_path: Path) -> None:
    with running(tmp_path, []) as manager:
        manager.wait_until_served()
        left, _ = play(manager, all_started)
        assert left == []
        eventually(lambda: manager.list() == [])
