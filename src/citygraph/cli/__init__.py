"""The command line: one function a command, which parses, calls, prints and sets the exit code."""
