"""What a running manager needs from its machine: limits, the data directory, a token, signals.

- `session`: the start-up that headless and dashboard share. Read it first.
- `headless`: the manager without a dashboard.
- `instance`: the lock, and the files by which clients find a manager.
- `token`, `files`: also used by clients, so they import the standard library only.
- `limits`, `sd_notify`: file and thread limits, notifications for systemd.
"""
