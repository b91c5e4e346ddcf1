"""Which process is meant by a number."""

from pathlib import Path
from typing import Any


def process_identity(pid: int) -> dict[str, Any]:
    """What tells a process from all that had its number before; empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return {}
    return {"pid": pid, "startTicks": int(fields[19]), "boot": boot_id()} if fields[0] not in b"ZX" else {}


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
