"""The whole site as static files, made by asking our own application in process: no sockets, no server.

freeze(settings, Order(folder, site, …), progress)      site.py      the flow
Writer.pages(paths), Writer.files(names)                writer.py    what is asked for, and written
Plan.target(href, here, language)                       plan.py      where a link leads on a static host
Rewriter(plan, here, language).rewrite(html)            pages.py     a page that works without a server
Door(app, site, release).get(path, query)               door.py      one request, as a plain value
staged(folder)                                          folder.py    all or nothing
index(store)                                            names.py     what the search in the browser reads
host_files(root, moved, gone)                           hosts.py     for hosts that can redirect
"""
