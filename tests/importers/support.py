"""Foreign files in a folder, and what is made of them."""

from collections.abc import Mapping
from pathlib import Path

from pmtui.config.load import load_config
from pmtui.importers.builder import Imported
from pmtui.importers.detect import import_file
from pmtui.importers.repair import toml_of


def import_text(
    folder: Path, name: str, text: str, environment: Mapping[str, str] | None = None, env_name: str | None = None
) -> Imported:
    """Imports the text as a file of that name; the result is known to load without an error."""
    path = folder / name
    path.write_text(text)
    imported = import_file(str(path), str(folder), environment or {}, None, env_name)
    config = folder / "pmtui.toml"
    config.write_text(toml_of(imported))
    assert load_config(config).errors == ()
    return imported


def lost(imported: Imported) -> list[tuple[str, str]]:
    """Process and source of each loss."""
    return [(note.process, note.source) for note in imported.losses]


def reason(imported: Imported, source: str) -> str:
    return next(note.reason for note in imported.notes if note.source == source)
