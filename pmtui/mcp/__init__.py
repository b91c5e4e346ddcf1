"""A server of the Model Context Protocol for coding agents: a client of the manager, like the commands."""
