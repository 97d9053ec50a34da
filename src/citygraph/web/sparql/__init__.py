"""SPARQL over HTTP: queries, stored queries, workbench, updates and the Graph Store Protocol."""
