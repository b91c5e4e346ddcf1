"""Configurations of other process managers as our own, and what was lost on the way."""

from pmtui.importers.builder import ForeignFileError, Imported, Note
from pmtui.importers.detect import KINDS, import_file

__all__ = ["KINDS", "ForeignFileError", "Imported", "Note", "import_file"]
