"""Clients of a running manager, over its REST API.

Read `discovery` first: it finds the manager of a config, its address and its token. `http_client` serves the commands
and imports only the standard library; `remote_control` serves the attached dashboard and implements `Control` over
httpx. Both parse streams with `sse` and turn error responses into `ControlError` with `errors`. A new operation of the
API is a method in `remote_control`, or a call of `http_client` in a command.
"""
