"""Take connections as a database would, and say little."""

import os
import socket
import time

server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
print(f"LOG:  database system is ready to accept connections on port {os.environ['PORT']}", flush=True)
checkpoint = time.monotonic()
server.settimeout(1)
while True:
    try:
        server.accept()[0].close()
    except TimeoutError:
        if time.monotonic() - checkpoint > 20:
            checkpoint = time.monotonic()
            print("LOG:  checkpoint complete: wrote 14 buffers (0.1%)", flush=True)
