"""`python -m pmtui`: the same as the command `pmtui`."""

from pmtui.cli.main import main

main()
