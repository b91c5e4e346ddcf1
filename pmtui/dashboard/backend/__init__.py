"""Where the dashboard gets its data from.

`state` polls a `Control` and describes one moment as a `DashboardState`; `log_source` is the interface to log lines.
There are two implementations of each pair: `manager_thread` with `thread_control` runs a manager on another thread of
this process, `remote_logs` with `client.RemoteControl` talks to a manager through its API.

No widget is imported here, and no widget imports an implementation.
"""
