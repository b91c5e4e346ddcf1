"""Starting processes, and never leaving one behind.

The manager does not spawn workers itself. It starts a guardian, a small process that is their parent and subreaper, and
outlives the manager for as long as it takes to end them all.

Read `guardian.py` first: its docstring lists the messages. `launcher.py` starts it before anything else is imported,
`client.py` is the manager's side of the socket, and `process_tree.py` explains the mark by which a run is recognized
across daemons and emptied environments. `cleanup.py` ends what a dead guardian leaves, `procfs.py` reads
/proc/PID/stat, and `usage.py` sums up CPU, memory and ports of whole trees.

The guardian and what it imports use the standard library only; an import contract checks that.
"""
