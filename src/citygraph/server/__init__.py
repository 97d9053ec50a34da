"""The HTTP server: web processes, connections on an event loop, and the site's application in threads."""
