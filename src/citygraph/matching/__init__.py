"""Matching of names with entities: scoring, candidate search and recorded decisions."""
