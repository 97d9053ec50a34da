"""The static site: all pages of a release as files, made by requests to our own application without sockets.

`frozen_site` is the flow, `page_writer` requests and writes, `plan` maps addresses to files and rewrites links, and
`host_files` writes the configuration of hosts.
"""
