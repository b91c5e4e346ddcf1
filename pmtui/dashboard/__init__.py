"""The dashboard: everything that imports Textual, and nothing else does.

Read in this order: `run` (a manager and its dashboard in one process) and `attach` (the dashboard of a manager that
runs elsewhere) start `app`; `app` shows the main screen in `screens`, which holds the process `table`, the `log_view`
and the other `widgets`, and opens `dialogs`. `backend` is where state and log lines come from: the screen reads them
through `Control` and `LogSource` only, so both kinds of dashboard are the same code. `style` and `terminal` are below
all of these.

To add a key: one line in `actions.ACTIONS` and a method `action_…` in the module of `screens` that fits. Bindings,
footer, palette, help and the documentation follow from that list.
"""
