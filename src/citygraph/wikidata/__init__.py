"""Wikidata: what it says of sister cities, read from its query service or its dump and put into our vocabulary."""
