"""Dereferencing: documents of entities, graphs and the ontology."""
