"""Log files, written and read back.

`writer.py` owns the one thread that writes, a `BatchWorker`, and decides when to hold back or drop output.
`log_file.py` appends, rotates and notes losses. `history.py` reads the files backwards; `stream_order.py` and
`run_index.py` remember what the files do not say: which line came first, and which run wrote it.

A new kind of record beside the logs goes into a separate file, written by `Writer.call`.
"""
