"""Answers requests now and then, as a server does."""

import random
import sys
import time

random.seed(7)
LINES = (
    "INFO  GET /agents/7 200 12 ms",
    "INFO  POST /agents/7/run 202 41 ms",
    "DEBUG cache miss agents:7",
    "INFO  GET /agents 200 8 ms",
    "WARN  slow query: 812 ms for SELECT * FROM runs ORDER BY started_at",
    "ERROR connection refused: redis://127.0.0.1:6379, trying again in 2 s",
)
sys.stdout.write("INFO  listening on 127.0.0.1:8001\n")
while True:
    line = random.choices(LINES, (6, 4, 4, 4, 1, 1))[0]
    stream = sys.stderr if line.startswith("ERROR") else sys.stdout
    stream.write(f"{line}\n")
    stream.flush()
    sum(number * number for number in range(40_000))
    time.sleep(random.uniform(0.02, 0.12))
