"""Servers of an agent that is killed."""

from pathlib import Path

from tests.eventually import eventually
from tests.faults.agent_killed import SERVERS, kill, new_token, servers_alive, start_agent
from tests.running import running


def test_nothing_outlives_an_agent_that_started_servers_with_leases(tmp_path: Path) -> None:
    with running(tmp_path, []) as manager:
        manager.wait_until_served()
        token = new_token()
        agent = start_agent(manager, token, [0] * SERVERS)
        assert agent.stdout
        assert agent.stdout.readline() == b"started\n"
        assert len(manager.list()) == SERVERS
        kill(agent)
        eventually(lambda: manager.list() == [])
        assert servers_alive(token) == []
