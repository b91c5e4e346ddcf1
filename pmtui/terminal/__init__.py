"""What a terminal shows: an emulator over the raw output of a process.

It is made late and lives only as long as something looks: the API's `screen`, or the dashboard. `emulator` wraps the
library, `sequences` are the escape sequences that matter to a viewer who joins late, and `keyboard` takes apart what a
viewer's own terminal sends.
"""
