"""Compares the SPARQL service with native oxigraph, rdflib-endpoint and Virtuoso: `python -m bench`."""
