"""What health checks cost: 200 processes asked over HTTP every second.

Limits: 10 % of a core for the manager (its processes and the server do not count), no check later than 200 ms.
"""

import asyncio
import subprocess
import sys
import time
from datetime import datetime
from itertools import pairwise

from pmtui import Manager, ProcessConfig
from pmtui.config.model import Health
from pmtui.control import Status
from pmtui.supervisor.process import Process

COUNT = 200
SECONDS = 30
SERVER = """
import asyncio

async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def latest(process: Process) -> float:
    """The most by which a check came after its turn, in seconds."""
    times = [datetime.fromisoformat(probe.time).timestamp() for probe in process.probes if probe.ok]
    return max((after - before - 1.0 for before, after in pairwise(times)), default=0.0)


async def measure(port: int) -> None:
    manager = Manager()
    health = Health(http=f"http://localhost:{port}/health", interval=1)
    for number in range(COUNT):
        manager.register(ProcessConfig(id=f"p{number}", command="sleep 600", health=health))
    life = asyncio.create_task(manager.run())
    await asyncio.sleep(0)
    for process_id in manager.supervisor.processes:
        await manager.wait(process_id, frozenset({Status.RUNNING}))
    for process in manager.supervisor.processes.values():
        process.probes.clear()
    cpu, began = time.process_time(), time.monotonic()
    await asyncio.sleep(SECONDS)
    cpu, elapsed = time.process_time() - cpu, time.monotonic() - began
    asked = sum(len(process.probes) for process in manager.supervisor.processes.values())
    late = max(latest(process) for process in manager.supervisor.processes.values())
    manager.shutdown()
    await life
    print(f"{asked / elapsed:.0f} checks a second")
    print(f"CPU     {cpu / elapsed * 100:6.2f} %   limit 10 %")
    print(f"latest  {late * 1000:6.0f} ms  limit 200 ms")


def main() -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        asyncio.run(measure(int(server.stdout.readline())))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
