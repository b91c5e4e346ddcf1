"""The structure of log lines, found when they are read; files stay as they were written.

`record.py` takes JSON and logfmt lines apart into level, message and fields. `blocks.py` says which lines continue the
one before them, so that a traceback is one block. Levels are recognized in `pmtui.logs.search.levels`.
"""
