"""Stateless formatting and parsing, used by every room above.

`formatting` writes quantities for people, `units` parses durations, sizes and signals from them, and `timestamps` has
the times of log lines. `sanitize` makes the output of processes safe to show, and `regex` searches it in linear time.

Nothing here imports from the rest of pmtui.
"""
