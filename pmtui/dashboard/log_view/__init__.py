"""The log pane: a pull model over lines that grow.

`lines` defines what a source of lines is, and views on it: paused, filtered, merged. `viewport` decides which lines
are on the screen, `rendering` draws them, `search` finds text and errors, `selection` and `save` copy them.
`log_pane` is the widget that connects these ten times a second.

The cost of a frame depends on the lines on the screen, not on how many arrive.
"""
