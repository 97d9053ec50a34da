"""What is made of a release's store: descriptions, dumps, tables, measurements, changes, feeds."""
