"""The documents of things: their forms, views and links."""
