#!/usr/bin/env bash
# In XML, & and < stand in a text only as &amp; and &lt; (XML 1.0, 2.4), and the height of a position in KML is optional (KML 2.2,
# OGC 07-147r2, kml:coordinates). simplekml 1.3.6 escapes a name and a description, but not the values of extended data, where a
# table has its other columns. kml() and save() then end with an ExpatError of the XML parser, and with format=False the file is no
# XML, without an error. Each position without a height gets the height 0.0. A good engineer expects the same texts as in the table,
# because names are escaped. Values without & and < are written correctly, so that an ordinary test passes. Escape the values before
# they are added.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check simplekml==1.3.6
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from xml.etree import ElementTree

import simplekml

NAMESPACE = {"kml": "http://www.opengis.net/kml/2.2"}


def write(name, diocese, **options):
    kml = simplekml.Kml()
    kml.newpoint(name=name, coords=[(-2.36, 51.38)]).extendeddata.newdata("diocese", diocese)
    try:
        root = ElementTree.fromstring(kml.kml(**options).encode())
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}"
    placemark = root.find(".//kml:Placemark", NAMESPACE)
    return [placemark.findtext(f".//kml:{tag}", namespaces=NAMESPACE) for tag in ("name", "value", "coordinates")]


print("plain texts:", write("Bath", "Wells"))
print("& in the name:", write("Bath & Wells", "Wells"))
print("& in extended data:", write("Bath", "Bath & Wells"))
print("& in extended data, read after format=False:", write("Bath", "Bath & Wells", format=False))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
plain texts: ['Bath', 'Wells', '-2.36,51.38,0.0']
& in the name: ['Bath & Wells', 'Wells', '-2.36,51.38,0.0']
& in extended data: xml.parsers.expat.ExpatError
& in extended data, read after format=False: xml.etree.ElementTree.ParseError
SEEN
echo "as described"
