"""Configs: find, parse, validate and resolve them.

Read first: `model.py`, the fields and their meaning; then `load.py`, from a file to `Loaded`.

- `discovery`, `files`: which file, which data directory, and reading it without blocking.
- `parsing/`: from text to the model, with every error at its line and column.
- `environment`, `envfile`, `secrets`: what a process finds in its environment, and what is never shown.
- `interpreter`, `requirements`: what is executed, and what it needs to be installed.
- `check`: the report of `pmtui check`.

To add a field: `model.py`, a validator in `parsing/validators.py` if its type does not say it all, and its use.
"""
