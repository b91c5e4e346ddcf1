"""Example processes for `pmtui demo`: a config, and the programs that it runs.

To add one: a script here, and its entry in pb_processes.json.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEMO_DIRECTORY = Path(__file__).parent


@contextmanager
def demo_directory() -> Iterator[Path]:
    """Copy config and scripts to a temporary directory; without node, leave out the script for it."""
    with tempfile.TemporaryDirectory(prefix="pmtui-demo-") as name:
        folder = Path(name)
        for script in DEMO_DIRECTORY.iterdir():
            if script.suffix in (".py", ".js") and script.name != "__init__.py":
                shutil.copy(script, folder)
        rows = json.loads((DEMO_DIRECTORY / "pb_processes.json").read_text())
        if not shutil.which("node"):
            rows = [row for row in rows if not row["script"].endswith(".js")]
        (folder / "pb_processes.json").write_text(json.dumps(rows, indent=2))
        yield folder
