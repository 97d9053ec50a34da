"""The index of a release: names, entities and ties, in SQLite."""
