"""SPARQL: the protocol, checks of queries, their evaluation, and writers of results."""
