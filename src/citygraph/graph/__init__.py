"""Readers of a store: descriptions, labels, vocabulary, history and JSON-LD."""
