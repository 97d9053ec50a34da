"""Measures the SPARQL service beside native oxigraph and rdflib-endpoint: `python -m bench`."""
