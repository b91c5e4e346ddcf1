"""What the words on the command line do, a module a command: `run(argv)` gives the exit code."""
