"""Health checks: whether a process does its work.

- `checks`: when to check a run, and what its results change. Read it first.
- `probes`: the kinds of checks: HTTP, TCP, command, log line, silence.
- `http`: one request over asyncio; also used by webhooks.

To add a kind: a field in `config.model.Health`, a class in `probes`, and a branch in `probes.probe_for`.
"""
