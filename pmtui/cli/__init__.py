"""The command line, one module per command.

Read `main` first: it lists the commands and imports only the one that is called. Each module has `parser()` and
`run(argv)`, which returns the exit code; `root` is `pmtui [ID ...]` itself. `base` holds what all commands share,
`session` what those share that talk to a running manager, `output` and `table` what they print. To add a command:
a module with these two functions, and its line in `main.COMMAND_GROUPS`; docs/cli.md and completion follow from them.

Imports stay small: `pmtui list` may load neither asyncio nor httpx, `--help` not even msgspec.
"""
