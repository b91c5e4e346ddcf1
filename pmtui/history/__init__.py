"""What happened, kept in one SQLite file: CPU, memory and probe latency, events, and how runs ended.

Read `columns` (figures as packed columns), `series` (figures of a range), `database` (the file, and what can be wrong
with it), `retention` (what is packed and what is dropped), `store` (all of them together) and `recorder` (the thread
that owns the store). `chart` draws the answer for terminals. Only the thread
imports `sqlite3`, so clients never do.
"""
