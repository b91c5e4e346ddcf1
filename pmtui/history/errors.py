"""Errors of the history."""


class HistoryError(Exception):
    """The history cannot be read or written; the message says why."""


class DamagedError(HistoryError):
    """The file does not contain a valid history."""
