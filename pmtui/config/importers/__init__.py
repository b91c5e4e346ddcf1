"""Configurations of other process managers as our own, and what was lost on the way."""

from pmtui.config.importers.draft import ForeignFileError, Imported, Note
from pmtui.config.importers.read import KINDS, import_file

__all__ = ["KINDS", "ForeignFileError", "Imported", "Note", "import_file"]
