"""What `pmtui exec` adds to three services: `python -m tests.bench.exec [ROUNDS]` (7).

One is ready after 0.2 s, one after 0.6 s, and the slowest after a second; the first is checked by its log, the others
over TCP and HTTP. Measures the seconds from the command line until the command runs, without those that the slowest one
took from its spawn until it listened. Limit: 0.3 s, on an idle machine. The checks run every 100 ms: with the usual
second between two checks, up to a second more would be the check's.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.running import PMTUI

SERVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass

spawned = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19]) / 100
time.sleep(max(0.0, spawned + float(sys.argv[2]) - time.clock_gettime(time.CLOCK_BOOTTIME)))
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
print("up", flush=True)
with open(f"took-{sys.argv[2]}", "w") as file:
    file.write(str(time.clock_gettime(time.CLOCK_BOOTTIME) - spawned))
server.serve_forever()
"""
CONFIG = """
settings.port = 0
[defaults]
script = "server.py"
interpreterArgs = ["-S"]
port = "auto"
[process.fast]
args = ["${port}", "0.2"]
health = { log = "up" }
[process.middle]
args = ["${port}", "0.6"]
health = { tcp = "127.0.0.1:${port}", interval = "100ms" }
[process.slow]
args = ["${port}", "1"]
health = { http = "http://127.0.0.1:${port}/", interval = "100ms" }
"""


def measure(folder: Path) -> float:
    """Return the seconds until the command ran, beyond those of the slowest service."""
    begin = time.time()
    subprocess.run([*PMTUI, "exec", "-q", "--", "sh", "-c", "date +%s.%N > ran"], cwd=folder, check=True)
    return float((folder / "ran").read_text()) - begin - float((folder / "took-1").read_text())


def main(rounds: int = 7) -> int:
    with tempfile.TemporaryDirectory(prefix="exec-") as name:
        (Path(name) / "server.py").write_text(SERVER)
        (Path(name) / "pmtui.toml").write_text(CONFIG)
        added = sorted(measure(Path(name)) for _ in range(rounds))
    median = added[rounds // 2]
    print(f"exec adds {median:.3f} s (median of {rounds}), {added[0]:.3f} to {added[-1]:.3f} s; limit 0.3 s")
    return int(median > 0.3)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
