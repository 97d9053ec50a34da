"""The index of a release in SQLite: names, facts, the entity table with its facets, and the graph of ties."""
