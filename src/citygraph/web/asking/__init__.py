"""SPARQL over HTTP: the endpoint, its workbench, the stored queries, what is running."""
