"""Jobs, which run by a schedule.

Read `scheduler.py` first: it starts what is due. `timetable.py` knows when that is, `clock.py` which clocks there are,
`journal.py` keeps what a later manager has to know.
"""
