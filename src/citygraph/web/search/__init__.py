"""Search, Explore, the network and reconciliation."""
