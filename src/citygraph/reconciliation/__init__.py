"""Reconciliation: names and facts in, ranked and explained candidates out."""
