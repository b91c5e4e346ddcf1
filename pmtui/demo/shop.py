"""What the programs of the demo share: records as JSON, and a server that answers health checks."""

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def log(level: str, message: str, **fields: object) -> None:
    record = {"ts": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "msg": message, **fields}
    print(json.dumps(record), flush=True)


def serve(is_healthy: Callable[[], bool] = lambda: True) -> None:
    """Answer on PORT, in the background: 200, or 503 while the program is not healthy."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = is_healthy()
            self.send_response(200 if good else 503)
            self.end_headers()
            self.wfile.write(b"ok\n" if good else b"overloaded\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log("info", "listening", url=f"http://127.0.0.1:{server.server_port}")
