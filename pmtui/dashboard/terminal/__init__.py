"""The terminal itself, below Textual.

`driver` reads keys and writes frames where Textual's own driver would fail, `state` saves and restores the modes of
the terminal, and `signals` turns SIGTERM, SIGHUP, SIGINT and SIGQUIT into an orderly exit.

The driver relies on private parts of Textual; tests/dashboard/test_textual_privates.py names the version they are
checked against.
"""
