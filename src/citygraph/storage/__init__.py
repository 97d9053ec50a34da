"""Objects in a folder or a bucket, in one layout; releases that are exchanged by it, and servers that follow them."""
