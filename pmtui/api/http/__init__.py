"""The HTTP server: uvicorn with its own limits.

`listener` opens the socket, `framing` finds where a request ends, `connection` bounds each client in bytes, time and
number, `uvicorn_shim` imports uvicorn without what is not used.
"""
