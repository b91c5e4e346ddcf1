"""The main screen and what covers it.

`main` composes the widgets and routes messages. Its actions are mixins over `main_base`, one module for each part of
the screen: `process_actions`, `table_actions`, `log_actions` and `tab_actions`. `help`, `palette` and `empty_state`
are made from the list of actions and from the state of the manager.

To add an action, put its method beside its neighbors in one of the mixins and list it in `dashboard.actions`.
"""
