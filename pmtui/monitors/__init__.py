"""Monitors watch processes and react. Each is one class, and one line in `registry`.

Read `monitor` first, the interface; then `memory`, the shortest one.

- `health`: runs health checks, reports ready and unhealthy processes.
- `watch`: restarts processes when their files change.
- `memory`: restarts processes above their memory limit.
- `install`: installs dependencies before a start.
- `notify`: receives what processes report by sd_notify.
- `cascades`: restarts processes after those they depend on.
- `hooks`: runs programs and calls webhooks on crashes, failures and recoveries.

`helper` runs a program beside a process, with the same guarantees that nothing is left behind.

To add one: subclass `Monitor`, override what you need, add the class to `registry.MONITORS`.
"""
