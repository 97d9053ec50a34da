#!/usr/bin/env bash
# In the coordinate reference system urn:ogc:def:crs:EPSG::4326 latitude comes first. pygml 0.3.2 puts the longitude of a point
# first, as GeoJSON wants it, but leaves the corners of an envelope as they are: the box is elsewhere, without an error. GML
# allows srsDimension on the geometry as on its list of positions (SRSReferenceGroup). pygml reads it only on the list: two
# positions with heights become three without, at places that nobody wrote. A good engineer expects one order of axes from one
# reader, and the same line from both places of the attribute.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pygml==0.3.2
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pygml

SYSTEM = 'xmlns:gml="http://www.opengis.net/gml/3.2" srsName="urn:ogc:def:crs:EPSG::4326"'
GEOMETRIES = {
    "point": f'<gml:Point {SYSTEM} gml:id="a"><gml:pos>51.38 -2.36</gml:pos></gml:Point>',
    "envelope": f"<gml:Envelope {SYSTEM}><gml:lowerCorner>51.3 -2.4</gml:lowerCorner>"
    "<gml:upperCorner>51.4 -2.3</gml:upperCorner></gml:Envelope>",
    "line, dimension on the list": f'<gml:LineString {SYSTEM} gml:id="b">'
    '<gml:posList srsDimension="3">51.1 -2.1 10 51.2 -2.2 20</gml:posList></gml:LineString>',
    "line, dimension on the geometry": f'<gml:LineString {SYSTEM} gml:id="c" srsDimension="3">'
    "<gml:posList>51.1 -2.1 10 51.2 -2.2 20</gml:posList></gml:LineString>",
}
for name, text in GEOMETRIES.items():
    print(f"{name}: {pygml.parse(text).__geo_interface__['coordinates']}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
point: (-2.36, 51.38)
envelope: [[(51.3, -2.4), (51.3, -2.3), (51.4, -2.3), (51.4, -2.4), (51.3, -2.4)]]
line, dimension on the list: [(-2.1, 51.1, 10.0), (-2.2, 51.2, 20.0)]
line, dimension on the geometry: [(-2.1, 51.1), (51.2, 10.0), (20.0, -2.2)]
SEEN
echo "as described"
