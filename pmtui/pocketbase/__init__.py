"""PocketBase as the host: its hook starts the manager, passes requests on to it and takes the processes' output.

`pmtui.pb.js` is the whole of PocketBase's side, `hook_file` installs it. What it meets here: `serve_options` reads how
PocketBase was started, `log_bridge` posts output to it, `forwarder` passes its requests on to a process. `superusers`
is for the other direction, where a superuser of some PocketBase uses the manager's own API.
"""
