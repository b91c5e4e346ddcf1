"""Log throughput: one process that writes 1 GiB, and one that writes 1 GB without a newline.

    python -m tests.bench.log_throughput [REPEATS]

Beside `cat`, the bare pump, and supervisord where it is installed (SUPERVISORD names it). `log layer` is the pump and
the store alone, `pmtui --no-ui` the whole manager. All files are in /dev/shm, and of each the checksum of the lines is
compared. Times are from the first byte written to the last one in the file; on a shared machine trust the ratios.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

SUPERVISORD = os.environ.get("SUPERVISORD") or shutil.which("supervisord") or ""
GIB = 1 << 30
WRITER = """
import os, sys, time
size, path = int(sys.argv[1]), sys.argv[2]
body = b"".join(b"%099d\\n" % n for n in range(1, 656))
open(path, "w").write(str(time.monotonic()))
for number in range(size // 65600):
    data = b"block %093d\\n" % number + body
    while data:
        data = data[os.write(1, data):]
"""
SOLID = """
import os
for _ in range(15259):
    data = b"x" * 65536
    while data:
        data = data[os.write(1, data):]
"""


def writer(size: int, folder: Path) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", WRITER, str(size), str(folder / "started")]


def checksum(log: Path, stamp: int) -> str:
    """Of all lines, without the `stamp` bytes before each."""
    found = hashlib.sha256()
    with log.open("rb") as file:
        while lines := file.readlines(1 << 20):
            found.update(b"".join(line[stamp:] for line in lines))
    return found.hexdigest()


def compare(log: Path, size: int, stamp: int = 0) -> None:
    """Nothing is lost, doubled or changed: the file has the lines that the writer wrote."""
    body = b"".join(b"%099d\n" % n for n in range(1, 656))
    wanted = hashlib.sha256()
    for number in range(size // 65600):
        wanted.update(b"block %093d\n" % number + body)
    if (found := checksum(log, stamp)) != wanted.hexdigest():
        raise AssertionError(f"{log} has not the lines that were written: {found}")


def wait_for(path: Path, size: int) -> float:
    latest = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        if time.monotonic() > latest:
            raise TimeoutError(f"{path} is not whole after a minute")
        time.sleep(0.002)
    return time.monotonic()


def seconds_of(folder: Path, ended: float) -> float:
    return ended - float((folder / "started").read_text())


def run_cat(folder: Path, size: int) -> dict[str, float]:
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(writer(size, folder), stdout=subprocess.PIPE)
        pump = subprocess.Popen(["cat"], stdin=child.stdout, stdout=log)
        assert child.stdout
        child.stdout.close()
        _, _, usage = os.wait4(pump.pid, 0)
        ended = time.monotonic()
        child.wait()
    compare(folder / "log", size)
    return {"MB/s": size / 1e6 / seconds_of(folder, ended), "cpu": usage.ru_utime + usage.ru_stime}


def run_supervisord(folder: Path, size: int) -> dict[str, float]:
    (folder / "program.py").write_text(WRITER)
    (folder / "conf").write_text(
        f"[supervisord]\nlogfile={folder}/d.log\npidfile={folder}/pid\nuser=root\n[program:p]\nautorestart=false\n"
        f"command={sys.executable} -I -S {folder}/program.py {size} {folder}/started\n"
        f"startsecs=0\nstdout_logfile={folder}/log\nstdout_logfile_maxbytes=0\n"
    )
    daemon = subprocess.Popen([SUPERVISORD, "--nodaemon", "-c", folder / "conf"], stdout=subprocess.DEVNULL, cwd=folder)
    ended = wait_for(folder / "log", size)
    ticks = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    daemon.terminate()
    daemon.wait()
    compare(folder / "log", size)
    return {"MB/s": size / 1e6 / seconds_of(folder, ended), "cpu": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")}


def run_layer(folder: Path, size: int, timestamps: int) -> dict[str, float]:
    told = manage(folder, timestamps, writer(size, folder))
    log = folder / "logs" / "p000-stdout.log"
    seconds = seconds_of(folder, log.stat().st_mtime - time.time() + time.monotonic())
    compare(log, size, 25 * timestamps)
    return {"MB/s": size / 1e6 / seconds} | told


def run_manager(folder: Path, size: int, timestamps: int) -> dict[str, float]:
    command, *args = writer(size, folder)
    log = {"maxSize": 0, "timestamps": bool(timestamps)}
    process = {"id": "p", "command": command, "args": args, "restart": "never", "log": log}
    (folder / "pb_processes.json").write_text(json.dumps([process]))
    argv = [sys.executable, "-m", "pmtui", "--no-ui", "--port", "0", "-c", str(folder / "pb_processes.json")]
    manager = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    path = folder / ".pmtui/logs/p-stdout.log"
    ended = wait_for(path, size + timestamps * 25 * (size // 100))
    used = time.clock_gettime(~manager.pid << 3 | 2)  # what clock_getcpuclockid(3) makes of a pid
    manager.terminate()
    manager.wait()
    compare(path, size, 25 * timestamps)
    return {"MB/s": size / 1e6 / seconds_of(folder, ended), "cpu": used}


def manage(folder: Path, timestamps: int, *commands: list[str]) -> dict[str, float]:
    words = [word for command in commands for word in ("--", *command)]
    argv = [sys.executable, "-m", "tests.bench.log_manage", str(folder / "logs"), str(timestamps), "0", *words]
    told: dict[str, float] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return told


RUNS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "cat": run_cat,
    "supervisord": run_supervisord,
    "log layer, raw": partial(run_layer, timestamps=0),
    "log layer": partial(run_layer, timestamps=1),
    "pmtui --no-ui, raw": partial(run_manager, timestamps=0),
    "pmtui --no-ui": partial(run_manager, timestamps=1),
}


def measured(name: str, size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        return RUNS[name](Path(folder), size)


def one_process(count: int) -> None:
    size = GIB // 65600 * 65600
    names = [name for name in RUNS if name != "supervisord" or os.path.exists(SUPERVISORD)]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(count):
        for name in names:
            results[name].append(measured(name, size))
    speed = {name: statistics.median(run["MB/s"] for run in runs) for name, runs in results.items()}
    print("1 GiB in lines of 100 bytes        MB/s   CPU s/GiB   lag p99 ms   growth MB")
    for name, runs in results.items():
        columns = [statistics.median(run.get(key, 0) for run in runs) for key in ("cpu", "lag_p99_ms", "growth_mb")]
        print(f"  {name:<28} {speed[name]:9.0f} {columns[0]:11.2f} {columns[1]:12.1f} {columns[2]:11.0f}")
    print(f"  with times / cat           {speed['pmtui --no-ui'] / speed['cat']:.2f}   (limit: at least 0.70)")
    if "supervisord" in speed:
        ratio = speed["pmtui --no-ui, raw"] / speed["supervisord"]
        print(f"  without / supervisord      {ratio:.2f}   (limit: at least 1.00)")
    print("  CPU limit 1.5 s/GiB, lag limit 25 ms; the checksums of all lines agree")


def no_newline() -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    told = manage(folder, 1, [sys.executable, "-I", "-S", "-c", SOLID])
    shutil.rmtree(folder)
    print(
        f"1 GB without a newline: {told['cpu']:.2f} s of CPU, lag p99 {told['lag_p99_ms']:.1f} ms, "
        f"growth {told['growth_mb']:.0f} MB (limit 50)"
    )


one_process(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
no_newline()
