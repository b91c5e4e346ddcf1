"""The heart: it keeps processes as the user wants them, and knows nothing of fronts, health checks or file watching.

Read in this order:

- `events`: what can happen to a process, and the effects that follow.
- `state`: what decides the next step of a process.
- `state_machine`: one pure function from a state and an event to the next state and its effects.
- `process`: one process; feeds the state machine and carries out its effects.
- `supervisor`: all processes; requests, dependencies, reload, shutdown.

`launcher` prepares each run, and `launch` turns a configuration into argv and environment. `dependencies` answers who
waits for whom, `reload` compares configurations, `snapshot` describes a process for people, and `event_log` keeps
recent events for any number of readers.

What only watches processes and reacts is a monitor (`pmtui.monitors`), never a branch in here.
"""
