"""citygraph: a knowledge graph of city diplomacy and the linked-data publisher that serves it."""

__version__ = "0.1.0"
