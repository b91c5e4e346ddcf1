"""From the pipes of processes to whole lines.

`pipe_reader.py` reads in the loop's thread. Pipes that carry a lot are handed to `bulk_reader.py`, in the thread that
writes the files. Both feed a `LineSplitter`, which passes whole lines to the process's log.

Anything with the methods of `bulk_reader.Sink` can take output; the pipe reader does not know lines.
"""
