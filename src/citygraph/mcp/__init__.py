"""The graph as tools for a language model: a read-only server of the Model Context Protocol."""
