"""A manager that runs elsewhere, asked through its REST API.

`place` tells where it is, `client` asks it from a shell verb, `control` from an event loop (attach).
"""
