"""The command line: one function for each command, which parses, calls, prints and returns the exit status."""
