"""Searching and following logs.

`query.py` parses what was asked for and finds the last matching lines; `follow.py` goes on with new ones, at the
reader's own pace. `levels.py` recognizes the level of a line. `threads.py` runs whatever may wait for a disk.

A new filter is a field of `Query`, a parser in `_PARSERS` and a line in `line_filters`.
"""
