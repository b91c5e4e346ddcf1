"""Run `pmtui` as in a shell."""

import os
import re
import subprocess
from pathlib import Path

from tests.eventually import DEADLINE
from tests.running import PMTUI

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PMTUI_")}
Done = subprocess.CompletedProcess[str]


def pmtui(folder: Path, *words: str, **env: str) -> Done:
    """Run it in the directory until it ends."""
    return subprocess.run(
        [*PMTUI, *words],
        cwd=folder,
        env=CLEAN | env,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        errors="replace",
    )


def without_progress(errors: str) -> str:
    """Leave out what a command that waits writes every 10 seconds, to a pipe."""
    return re.sub("^pmtui: waiting for .*\n", "", errors, flags=re.MULTILINE)


def ids(done: Done) -> list[str]:
    """Return the first word of each line of a table."""
    assert done.returncode == 0, done.stderr
    return [line.split()[0] for line in done.stdout.splitlines()[1:]]
