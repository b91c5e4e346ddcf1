"""A crash that prints 20,000 lines in its last moments: how many of fifty are whole on disk.

python -m tests.bench.log_crash
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from pmtui.config.model import LogSettings
from pmtui.logs.capture.pipe_reader import PipeReader
from pmtui.logs.store import LogStore
from tests.logs.support import run_python

CODE = "import os, sys\nsys.stdout.write(''.join(f'{n}\\n' for n in range(20000)))\nsys.stdout.flush()\nos.abort()"


async def main() -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    store, pump = LogStore(folder), PipeReader(asyncio.get_running_loop())
    for number in range(50):
        log = store.open(f"p{number}", LogSettings(timestamps=False))
        log.start_run(1)
        await run_python(log, pump, CODE)
    store.close()
    pump.close()
    expected = b"".join(b"%d\n" % number for number in range(20000))
    paths = [folder / f"p{number}-stdout.log" for number in range(50)]
    whole = sum(path.read_bytes() == expected for path in paths)
    shutil.rmtree(folder)
    print(f"{whole} of 50 crashes are whole (limit: 50)")


asyncio.run(main())
