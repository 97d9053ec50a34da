"""A SPARQL store behind the publisher: a SPARQL 1.1 service that caches a release for `/sparql`."""
