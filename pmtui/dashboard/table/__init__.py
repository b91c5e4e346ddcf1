"""The table of processes.

`columns` says what each cell of a snapshot shows, `layout` which columns fit into a width, `filters` and `view` which
rows are shown and in which order, `rendering` turns rows into segments, and `process_table` is the widget with the
cursor and the marks.

To add a column, add one entry to `columns.COLUMNS`; its rank decides when it is dropped.
"""
