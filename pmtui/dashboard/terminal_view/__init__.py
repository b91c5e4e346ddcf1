"""The terminal of a process on the whole screen.

`screen` is the view, `widget` draws the emulated terminal, and `session` connects both with the manager. `palette`
turns the emulator's styles into those of Rich.
"""
