"""Writing over HTTP: updates, the graph store, and what both share."""
