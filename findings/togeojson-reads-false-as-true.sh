#!/usr/bin/env bash
# A schema of KML gives the fields of its places a type, such as bool or int (KML 2.2, OGC 07-147r2, kml:SimpleField). A boolean
# is written true, false, 1 or 0 (XML Schema, part 2, 3.2.2). @tmcw/togeojson 7.1.3 converts these fields to values of JSON. It
# turns "false" and "0" into true. No error is raised. A good engineer expects false for these two. Without a schema, the texts
# are kept as they are, and true is read correctly, so that an ordinary test passes. In the list of agreements below, those that
# have ended are in force.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @tmcw/togeojson@7.1.3 @xmldom/xmldom@0.9.12 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { kml } from "@tmcw/togeojson";
import { DOMParser } from "@xmldom/xmldom";

const rows = [
  ["Bath", "true", "1977"],
  ["Beppu", "1", "1994"],
  ["Braunschweig", "false", "1971"],
  ["Kaposvár", "0", "1987"],
];
const schema = `<Schema name="agreement" id="agreement">
  <SimpleField type="bool" name="active"/><SimpleField type="int" name="since"/></Schema>`;
const typed = ([name, active, since]) => `<Placemark><name>${name}</name><ExtendedData><SchemaData schemaUrl="#agreement">
  <SimpleData name="active">${active}</SimpleData><SimpleData name="since">${since}</SimpleData>
  </SchemaData></ExtendedData><Point><coordinates>0,0</coordinates></Point></Placemark>`;
const untyped = ([name, active, since]) => `<Placemark><name>${name}</name><ExtendedData>
  <Data name="active"><value>${active}</value></Data><Data name="since"><value>${since}</value></Data>
  </ExtendedData><Point><coordinates>0,0</coordinates></Point></Placemark>`;
for (const [kind, head, write] of [["with a schema", schema, typed], ["without a schema", "", untyped]]) {
  const text = `<kml xmlns="http://www.opengis.net/kml/2.2"><Document>${head}${rows.map(write).join("")}</Document></kml>`;
  const { features } = kml(new DOMParser().parseFromString(text, "text/xml"));
  for (const { properties } of features) console.log(`${kind}:`, JSON.stringify(properties));
}
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
with a schema: {"name":"Bath","active":true,"since":1977}
with a schema: {"name":"Beppu","active":true,"since":1994}
with a schema: {"name":"Braunschweig","active":true,"since":1971}
with a schema: {"name":"Kaposvár","active":true,"since":1987}
without a schema: {"name":"Bath","active":"true","since":"1977"}
without a schema: {"name":"Beppu","active":"1","since":"1994"}
without a schema: {"name":"Braunschweig","active":"false","since":"1971"}
without a schema: {"name":"Kaposvár","active":"0","since":"1987"}
SEEN
echo "as described"
