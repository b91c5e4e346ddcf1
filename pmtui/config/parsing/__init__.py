"""From the text of a config to the model.

Read in this order: `parser` (text to plain values), `entries` (one process each), `decode` (values to structs by type),
`validators` (what a type cannot say), `dependencies` (ids, cycles, instances). `problems` collects errors, `positions`
finds their lines. To validate a new kind of field, add a function to `validators` and name it in `decode`.
"""
