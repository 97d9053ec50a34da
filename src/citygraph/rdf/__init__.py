"""RDF terms, formats, N-Quads and deltas."""
