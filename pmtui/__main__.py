"""`python -m pmtui`: the same as the command `pmtui`."""

from pmtui.cli import main

main()
