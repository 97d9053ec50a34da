#!/usr/bin/env bash
# wtf_wikipedia 10.4.2 reads the coordinates of an article (template coord) correctly as numbers. In the text of a sentence or of
# an infobox it writes "N" and "W" behind them whatever their signs are: İzmir, at 27.14 degrees east, is at "27.14°W", in the
# Atlantic, and Sydney at "-33.86°N, 151.21°W". No error is raised. A good engineer expects the letters of the article, or none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund wtf_wikipedia@10.4.2 >> npm.log 2>&1
cat > read.mjs <<'JS'
import wtf from "wtf_wikipedia";

const places = {
  İzmir: "{{coord|38.42|N|27.14|E}}",
  Bath: "{{coord|51.38|N|2.36|W}}",
  Sydney: "{{coord|33.86|S|151.21|E}}",
};
for (const [name, template] of Object.entries(places)) {
  const article = wtf(`${name} is at ${template}.`);
  const [{ lat, lon }] = article.coordinates();
  console.log(article.text(), "In numbers:", lat, lon);
}
const infobox = wtf("{{Infobox settlement | name = İzmir | coordinates = {{coord|38.42|N|27.14|E}} }}").infobox();
console.log("Infobox:", infobox.get("coordinates").text());
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
İzmir is at 38.42°N, 27.14°W. In numbers: 38.42 27.14
Bath is at 51.38°N, -2.36°W. In numbers: 51.38 -2.36
Sydney is at -33.86°N, 151.21°W. In numbers: -33.86 151.21
Infobox: 38.42°N, 27.14°W
SEEN
echo "as described"
