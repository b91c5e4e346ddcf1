"""The cost of 2,000 single lines a second from 20 processes, in milliseconds of CPU a second.

    python -m tests.bench.log_chat [SECONDS]

Beside the least that asyncio can do: a reader for each pipe, os.read, os.write.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time

COUNT = 20
CHAT = """
import os, time
while True:
    os.write(1, b"line: the quick brown fox jumps over the lazy dog\\n")
    time.sleep(0.01)
"""
COMMAND = [sys.executable, "-I", "-S", "-c", CHAT]


async def bare(seconds: float) -> float:
    """CPU seconds of asyncio alone."""
    loop = asyncio.get_running_loop()
    children: list[subprocess.Popen[bytes]] = []
    pipes: list[int] = []
    with tempfile.TemporaryFile() as log:

        def copy(pipe: int) -> None:
            os.write(log.fileno(), os.read(pipe, 65536))

        for _ in range(COUNT):
            reading, writing = os.pipe()
            children.append(await asyncio.to_thread(subprocess.Popen, COMMAND, stdout=writing))
            os.close(writing)
            pipes.append(reading)
            loop.add_reader(reading, copy, reading)
        await asyncio.sleep(1)
        before = time.process_time()
        await asyncio.sleep(seconds)
        taken = time.process_time() - before
        for child in children:
            child.kill()
            child.wait()
        for reading in pipes:
            loop.remove_reader(reading)
            os.close(reading)
    return taken


def ours(seconds: float) -> float:
    """CPU seconds of the pump and the store."""
    words = [word for _ in range(COUNT) for word in ("--", *COMMAND)]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        argv = [sys.executable, "-m", "tests.bench.log_manage", f"{folder}/logs", "1", str(seconds), *words]
        told = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return float(told["cpu"])


seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
print(f"bare asyncio {asyncio.run(bare(seconds)) / seconds * 1000:.1f} ms/s")
print(f"pmtui        {ours(seconds) / seconds * 1000:.1f} ms/s (limit 40)")
