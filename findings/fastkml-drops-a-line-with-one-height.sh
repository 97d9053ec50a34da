#!/usr/bin/env bash
# The height of a position in KML is optional, for each position, and a year has four digits (KML 2.2, OGC 07-147r2,
# kml:coordinates; XML Schema, part 2, 3.2.11). fastkml 1.4.0 drops the whole geometry if only some of its positions have a
# height. It writes the year 0079 as 79, which is no xsd:gYear. No error is raised, also not with strict=True. A good engineer
# expects the line with or without its heights, and the year that the file has. Lines in which all positions or none have a
# height, and the year 1977, are kept, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastkml==1.4.0 lxml==6.1.3
cd "$folder"
cat > read.py <<'PY'
from fastkml import KML

PLACEMARKS = {
    "no heights": "<LineString><coordinates>1,2 3,4</coordinates></LineString>",
    "all heights": "<LineString><coordinates>1,2,10 3,4,20</coordinates></LineString>",
    "one height": "<LineString><coordinates>1,2 3,4,20</coordinates></LineString>",
    "ring with one height": "<LinearRing><coordinates>0,0,5 1,0 1,1 0,0,5</coordinates></LinearRing>",
    "year 1977": "<TimeStamp><when>1977</when></TimeStamp>",
    "year 79": "<TimeStamp><when>0079</when></TimeStamp>",
}
for name, content in PLACEMARKS.items():
    text = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>Bath</name>{content}</Placemark></kml>'
    written = KML.from_string(text, strict=True).to_string()
    body = written[written.index("</name>") + 7 : written.index("</Placemark>")]
    print(f"{name}:", "".join(line.strip() for line in body.splitlines()) or "nothing")
PY
"$folder/venv/bin/python" read.py > seen
cat seen
diff seen - <<'SEEN'
no heights: <LineString><coordinates>1.0,2.0 3.0,4.0</coordinates></LineString>
all heights: <LineString><coordinates>1.0,2.0,10.0 3.0,4.0,20.0</coordinates></LineString>
one height: nothing
ring with one height: nothing
year 1977: <TimeStamp><when>1977</when></TimeStamp>
year 79: <TimeStamp><when>79</when></TimeStamp>
SEEN
echo "as described"
