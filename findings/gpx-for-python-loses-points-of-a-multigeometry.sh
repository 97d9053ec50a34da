#!/usr/bin/env bash
# A placemark of KML may have several geometries in a MultiGeometry, and a TimeStamp says when it was true (KML 2.2, OGC 07-147r2,
# kml:MultiGeometry and kml:TimeStamp); GPX has waypoints, and a time for each of them (GPX 1.1, wptType). gpx 2026.4.0 for Python
# reads KML as GPX. It reads the lines of a MultiGeometry, but none of its points, so that a city with two points disappears with
# its name. It drops the times of all placemarks. No error is raised, and read_kml documents neither. A good engineer expects two
# waypoints, because the lines of the same element are kept. A placemark with one point, in a folder too, is read correctly, so
# that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gpx==2026.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY' > seen
from pathlib import Path

from gpx import read_kml

for placemark in (
    "<Point><coordinates>-2.36,51.38</coordinates></Point>",
    "<TimeStamp><when>1994-05-23T00:00:00Z</when></TimeStamp><Point><coordinates>-2.36,51.38</coordinates></Point>",
    "<MultiGeometry><Point><coordinates>-2.36,51.38</coordinates></Point></MultiGeometry>",
    "<MultiGeometry><Point><coordinates>1,2</coordinates></Point><Point><coordinates>3,4</coordinates></Point></MultiGeometry>",
    "<MultiGeometry><Point><coordinates>1,2</coordinates></Point>"
    "<LineString><coordinates>1,2 3,4</coordinates></LineString></MultiGeometry>",
):
    document = f"<Document><Placemark><name>Bath</name>{placemark}</Placemark></Document>"
    Path("city.kml").write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2">{document}</kml>', encoding="utf-8")
    read = read_kml("city.kml")
    print(placemark)
    waypoints = [(point.name, float(point.lon), float(point.lat), point.time) for point in read.wpt]
    print("  waypoints:", *waypoints or ["none"], "lines:", len(read.trk))
PY
cat seen
diff seen - <<'SEEN'
<Point><coordinates>-2.36,51.38</coordinates></Point>
  waypoints: ('Bath', -2.36, 51.38, None) lines: 0
<TimeStamp><when>1994-05-23T00:00:00Z</when></TimeStamp><Point><coordinates>-2.36,51.38</coordinates></Point>
  waypoints: ('Bath', -2.36, 51.38, None) lines: 0
<MultiGeometry><Point><coordinates>-2.36,51.38</coordinates></Point></MultiGeometry>
  waypoints: none lines: 0
<MultiGeometry><Point><coordinates>1,2</coordinates></Point><Point><coordinates>3,4</coordinates></Point></MultiGeometry>
  waypoints: none lines: 0
<MultiGeometry><Point><coordinates>1,2</coordinates></Point><LineString><coordinates>1,2 3,4</coordinates></LineString></MultiGeometry>
  waypoints: none lines: 1
SEEN
echo "as described"
