"""SPARQL: what a request asks, what a query may do, and the processes that answer it."""
