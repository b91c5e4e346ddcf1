"""The terminal of a process on the whole screen.

`screen` is the view, `widget` draws the emulated terminal, `session` connects both with the manager, and `keyboard`
takes apart what the terminal of the dashboard sends. `palette` turns the emulator's styles into those of Rich.
"""
