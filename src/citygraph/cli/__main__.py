"""`python -m citygraph.cli` is the command `citygraph`."""

from citygraph.cli.main import main

main()
