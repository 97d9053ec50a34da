"""A SPARQL store behind the publisher: a cache of a release in a SPARQL 1.1 service, which answers `/sparql`."""
