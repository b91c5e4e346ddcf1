"""Hot reload: restart processes whose files have changed.

- `reloader`: the monitor; from changed files to restarts. Read it first.
- `watcher`: the thread that reports changed files.
- `ignore`: which files do not count; loaded with the first change.
"""
