"""A few small processes to look at."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEMO_DIRECTORY = Path(__file__).parent


@contextmanager
def demo_directory() -> Iterator[Path]:
    """A temporary folder with the demo's config and scripts; without node the script for it is left out."""
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
