"""The entry point of `python -m citygraph.cli`, equal to the command `citygraph`."""

from citygraph.cli.main import main

main()
