"""SVG charts, made on the server from plain data: maps, life lines, time axes and preview cards.

Charts know no stores, releases or languages. They take finished texts, coordinates in degrees, times in years (1996.31)
and distances in kilometres. Each has a title and a description for screen readers, and the page has a table with the
same content. Charts carry classes only; static/pictures.css has the styles. `name` makes the ids of a chart unique on
its page.
"""
