"""Serve the current directory over HTTP, and log each request."""

import os
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
print(f"{os.environ['PMTUI_ID']} listens on http://127.0.0.1:{server.server_port}/")
server.serve_forever()
