"""Needs a module that is not there."""

import pypdf  # type: ignore[import-not-found]

pypdf.PdfReader("input.pdf")
