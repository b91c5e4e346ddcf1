"""Log throughput: one process that writes 1 GiB, and one that writes 1 GB without a newline.

    python -m tests.bench.log_throughput [REPEATS]

Beside `cat`, the bare pump, and supervisord where it is installed (SUPERVISORD names it). All files are in /dev/shm.
Times are from the first byte written to the last one in the file; on a shared machine trust the ratios.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUPERVISORD = os.environ.get("SUPERVISORD", "/tmp/peers/supervisord/bin/supervisord")
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


def wait_for(path: Path, size: int) -> float:
    while not path.exists() or path.stat().st_size < size:
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
    return {"MB/s": size / 1e6 / seconds_of(folder, ended), "cpu": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")}


def run_ours(folder: Path, size: int, timestamps: int) -> dict[str, float]:
    told = manage(folder, timestamps, writer(size, folder))
    log = folder / "logs" / "p000-stdout.log"
    seconds = seconds_of(folder, log.stat().st_mtime - time.time() + time.monotonic())
    whole = size + timestamps * 25 * int(told["lines"])
    if (told["lines"], log.stat().st_size) != (size // 100, whole):
        raise AssertionError(f"lost: {told['lines']} of {size // 100} lines, {log.stat().st_size} of {whole} bytes")
    return {"MB/s": size / 1e6 / seconds} | told


def manage(folder: Path, timestamps: int, *commands: list[str]) -> dict[str, float]:
    words = [word for command in commands for word in ("--", *command)]
    argv = [sys.executable, "-m", "tests.bench.log_manage", str(folder / "logs"), str(timestamps), "0", *words]
    told: dict[str, float] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return told


def measured(name: str, size: int, repeats: dict[str, list[dict[str, float]]]) -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    runs = {
        "cat": lambda: run_cat(folder, size),
        "supervisord": lambda: run_supervisord(folder, size),
        "pmtui raw": lambda: run_ours(folder, size, 0),
        "pmtui": lambda: run_ours(folder, size, 1),
    }
    try:
        repeats.setdefault(name, []).append(runs[name]())
    finally:
        shutil.rmtree(folder)


def one_process(count: int) -> None:
    size = GIB // 65600 * 65600
    results: dict[str, list[dict[str, float]]] = {}
    for _ in range(count):
        for name in ("cat", *(["supervisord"] if os.path.exists(SUPERVISORD) else []), "pmtui raw", "pmtui"):
            measured(name, size, results)
    speed = {name: statistics.median(run["MB/s"] for run in runs) for name, runs in results.items()}
    print("1 GiB in lines of 100 bytes        MB/s   CPU s/GiB   lag p99 ms   growth MB")
    for name, runs in results.items():
        columns = [statistics.median(run.get(key, 0) for run in runs) for key in ("cpu", "lag_p99_ms", "growth_mb")]
        print(f"  {name:<28} {speed[name]:9.0f} {columns[0]:11.2f} {columns[1]:12.1f} {columns[2]:11.0f}")
    print(f"  with times / cat           {speed['pmtui'] / speed['cat']:.2f}   (limit: at least 0.70)")
    if "supervisord" in speed:
        print(f"  without / supervisord      {speed['pmtui raw'] / speed['supervisord']:.2f}   (limit: at least 1.00)")
    print("  CPU limit 1.5 s/GiB, lag limit 25 ms")


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
