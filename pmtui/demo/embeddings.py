"""Work well for a while, then answer every health check with 503 until it is restarted."""

import itertools
import time

from shop import log, serve

started = time.monotonic()
serve(lambda: time.monotonic() - started < 12)
for batch in itertools.count(1):
    time.sleep(2)
    late = time.monotonic() - started > 12
    log("warn" if late else "info", "queue is full" if late else "batch embedded", batch=batch, texts=32)
