"""Finding things: search and suggestions, Explore, Network, and reconciliation for other programs."""
