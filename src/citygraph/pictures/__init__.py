"""Pictures as SVG, made on the server from plain data: maps, life lines, time axes, preview cards.

Nothing here knows of stores, releases or languages: texts are handed in as they shall stand, coordinates in degrees,
times in years (1996.31), distances in kilometres. Each picture is a Markup with a title and a description for screen
readers, and beside it stands a register or table that says the same. The look is in static/pictures.css: the pictures
carry classes only, no styles. `name` makes the ids of a picture unique on its page.

    caption = Caption("İzmir and its partners", "A map …", "en")

    land = read_land(path)                                              outlines.py   rings, or () without the file
    atlas(centre, marks, land, caption, name="atlas")                   map.py        rays from one place
    nearer(centre, marks) -> Nearer(near, far)                          map.py        the half for a telephone, the rest
    extent(marks, land, caption, name="map")                            map.py        places without a centre
    lifeline(moments, caption, until=2026.9, name="life")               lifeline.py   act, protocol, events, jubilees
    axis(lanes, caption, name="axis", until=2026.9)                     axis.py       offices, gaps, overlaps
    card(title, kind, picture, …) -> str; png(svg, fonts) -> bytes      card.py, raster.py
"""
