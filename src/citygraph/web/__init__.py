"""The site over HTTP."""

from citygraph.web.application import create_app as create_app
