"""Example processes for `pmtui demo`: a config, and the programs that it runs.

To add one: a script here, and its table in pmtui.toml.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEMO_DIRECTORY = Path(__file__).parent
CONFIG_NAME = "pmtui.toml"


@contextmanager
def demo_directory() -> Iterator[Path]:
    """Copy config and scripts to a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="pmtui-demo-") as name:
        folder = Path(name) / "shop"
        folder.mkdir()
        for file in DEMO_DIRECTORY.iterdir():
            if file.suffix in (".py", ".toml") and file.name != "__init__.py":
                shutil.copy(file, folder)
        yield folder
