"""An HTTP server that returns what it was sent; it is healthy while its directory has a file `ready`."""

import http.server
import json
import sys
import time
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/health":
            self.reply(200 if Path("ready").exists() else 503, b"")
        elif self.path.startswith("/redirect"):
            self.reply(302, b"", Location="/elsewhere?x=1")
        elif self.path == "/cut":
            self.close_connection = True
        elif self.path == "/slow":
            time.sleep(600)
        elif self.path == "/large":
            self.reply(200, b"x" * (6 << 20))
        elif self.path == "/stream":
            self.reply(200, b"data: 1\n\n", **{"Content-Type": "text/event-stream"})
        elif self.path == "/echo":
            self.reply(201, body, **{"Content-Type": "application/x-own", "X-Own": "1", "Keep-Alive": "timeout=9"})
        else:
            headers = [[name.lower(), value] for name, value in self.headers.items()]
            sent = {"method": self.command, "path": self.path, "headers": headers, "body": body.decode("latin-1")}
            self.reply(200, json.dumps(sent).encode(), **{"Content-Type": "application/json"})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
