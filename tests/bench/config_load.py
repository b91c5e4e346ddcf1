"""How long a config of many takes to load: 200 processes over 20 included files, beside one flat file.

`python -m tests.bench.config_load`; the limit is 60 ms for the included files on an idle machine.
"""

import statistics
import tempfile
import time
from pathlib import Path

from pmtui.config.load import load_config

FILES, PROCESSES, ROUNDS = 20, 200, 15
LIMIT = 0.060


def entry(number: int) -> str:
    return (
        f'[process.worker-{number}]\ncommand = "python -m worker --number {number}"\ngroup = "workers"\n'
        f'env = {{ NUMBER = "{number}", LOG_LEVEL = "debug" }}\n'
        'health = { http = "http://127.0.0.1:8000/health", interval = "10s" }\n'
    )


def included(directory: Path) -> Path:
    share = PROCESSES // FILES
    (directory / "services").mkdir()
    for file in range(FILES):
        text = "[defaults]\nmaxRetries = 5\n" + "".join(entry(file * share + number) for number in range(share))
        (directory / f"services/{file:02}.toml").write_text(text)
    profile = "".join(
        f'[profile.prod.process.worker-{number}.env]\nLOG_LEVEL = "warn"\n' for number in range(PROCESSES)
    )
    path = directory / "pmtui.toml"
    path.write_text(
        'include = ["services/*.toml"]\n[defaults]\nstopTimeout = "3s"\nenv = { REGION = "eu" }\n' + profile
    )
    return path


def flat(directory: Path) -> Path:
    path = directory / "flat.toml"
    path.write_text("".join(entry(number) for number in range(PROCESSES)))
    return path


def measure(path: Path, *profiles: str) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        loaded = load_config(path, profiles)
        times.append(time.perf_counter() - begin)
        assert len(loaded.processes) == PROCESSES
        assert not loaded.problems
    return statistics.median(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        one, many = measure(flat(Path(name))), measure(included(Path(name)), "prod")
    print(f"flat file           {one * 1000:6.1f} ms")
    print(f"20 files, profile   {many * 1000:6.1f} ms  {many / one:.2f} times as long (limit {LIMIT * 1000:g} ms)")


if __name__ == "__main__":
    main()
