"""The other widgets of the main screen.

`bar` is a line of clickable pieces, the base of `header`, `footer` and `tab_bar`. `prompt` is the input line for
filters and searches. `details` and `dependency_tree` fill the tabs beside the log.

Widgets draw what they are given and post messages; they never call the manager.
"""
