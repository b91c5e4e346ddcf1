"""Dialogs: boxes in the middle of the screen.

`dialog` is their base. `confirm` asks a question with one key per answer, `choose` offers a list, `config_errors` shows
what is wrong with the config. `quit` and `shutdown` accompany the end of the manager, and `too_small` covers a terminal
without room.

A dialog returns its answer through `dismiss`; what follows from it is up to the screen that opened it.
"""
