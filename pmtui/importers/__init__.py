"""Configurations of other process managers as our own, and what was lost on the way."""

from pmtui.importers.builder import Imported, Note, UnsupportedFileError
from pmtui.importers.detect import KINDS, import_file

__all__ = ["KINDS", "Imported", "Note", "UnsupportedFileError", "import_file"]
