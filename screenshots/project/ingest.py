"""Works for a while, then loses its connection."""

import socket
import time

time.sleep(0.8)
socket.create_connection(("127.0.0.1", 1))
