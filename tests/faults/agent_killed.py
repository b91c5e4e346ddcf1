"""Kill an agent that starts servers: `python -m tests.faults.agent_killed [ROUNDS]` (50).

In each round an agent, a process of its own, starts three servers with leases on itself by `pmtui run`, and is killed
by SIGKILL at a random moment. Two seconds later no server may be alive, and none of their ports may be held. Prints how
long it took; the exit code is 1 if anything was left.
"""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.eventually import eventually
from tests.running import Running, running

LIMIT = 2.0
"""Seconds after which nothing may be left."""
SERVERS = 3
SERVER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)"
AGENT = """
import os, subprocess, sys
python, server, token, *ports = sys.argv[1:]
for port in ports:
    run = [python, "-m", "pmtui", "run", "--lease", str(os.getpid()), "--"]
    words = [*run, python, "-S", "-c", server, port, token]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
print("started", flush=True)
import time; time.sleep(600)
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def is_held(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return True
    return False


def servers_alive(token: str) -> list[int]:
    """Return the processes that have the token as an argument, other than agents and clients."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if token.encode() in words and b"pmtui" not in words and AGENT.encode() not in words:
            found.append(int(path.parent.name))
    return found


def start_agent(manager: Running, token: str, ports: Sequence[int | str]) -> "subprocess.Popen[bytes]":
    """Start an agent that starts a server with the token for each port."""
    return subprocess.Popen(
        [sys.executable, "-c", AGENT, sys.executable, SERVER, token, *map(str, ports)],
        cwd=manager.folder,
        stdout=subprocess.PIPE,
    )


def kill(agent: "subprocess.Popen[bytes]") -> None:
    agent.kill()
    agent.wait()
    assert agent.stdout
    agent.stdout.close()


def new_token() -> str:
    return f"token-{os.urandom(8).hex()}"


def play(manager: Running) -> tuple[list[str], float]:
    """Return what was left after LIMIT, and the seconds until nothing was."""
    ports, token = free_ports(SERVERS), new_token()
    agent = start_agent(manager, token, ports)
    time.sleep(random.uniform(0.0, 3.0))
    begin = time.monotonic()
    kill(agent)
    while (left := remains(ports, token)) and time.monotonic() < begin + LIMIT:
        time.sleep(0.01)
    took = time.monotonic() - begin
    time.sleep(max(0.0, begin + LIMIT - time.monotonic()))  # a client of the agent may still be at it
    return left or remains(ports, token), took


def remains(ports: Sequence[int], token: str) -> list[str]:
    return [f"pid {pid}" for pid in servers_alive(token)] + [f"port {port}" for port in ports if is_held(port)]


def main(rounds: int = 50) -> int:
    bad, times = 0, list[float]()
    with tempfile.TemporaryDirectory(prefix="agents-") as name, running(Path(name), []) as manager:
        manager.wait_until_served()
        for _ in range(rounds):
            left, took = play(manager)
            bad += bool(left)
            times.append(took)
        eventually(lambda: manager.list() == [])
    times.sort()
    print(  # noqa: T201
        f"{rounds} agents with {SERVERS} servers killed: {bad} left something after {LIMIT:g} s; "
        f"all gone in {times[len(times) // 2]:.3f} s (median), {times[-1]:.3f} s (worst)"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
