"""The output of all processes: read from pipes, kept in memory, written to files, searched and followed.

Data runs one way: `capture/` reads the pipes and splits lines, `process_log.py` numbers and stamps them,
`ring_buffer.py` keeps the newest ones, and `files/` writes them. Read `process_log.py` first, then `store.py`, which
owns all of it.

Queries run the other way: `access.py` answers for `Control`, with `search/`, from memory and then from the files.
`console.py` prints what happens when there is no dashboard.

Chunks of whole lines are handed on as they were read, and are split only to be shown or searched. The disk never blocks
the loop: one thread writes, from a bounded buffer.
"""
