#!/usr/bin/env bash
# any-date-parser 2.2.4 reads the ISO week date 1994-W18-5, a Friday in May, as 5 August: it takes the last digit of the week for a
# month. 24:00 is the end of a day in ISO 8601; here the start of the same day. A time without seconds loses its offset, and so
# does a time of 24:00:00. The offset of a date alone (XML Schema) becomes an hour. The last day of a month that has no such day
# is the first of the next. No error is raised, and "invalid" is not set. A good engineer expects what ISO 8601 and XML Schema
# mean, or the error that the library gives for a day of a year such as 1994-138.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund any-date-parser@2.2.4 >> npm.log 2>&1
cat > read.cjs <<'JS'
const parser = require("any-date-parser").default;

const texts = [
  "1994-05-06T10:00:00+03:00",
  "1994-138",
  "1994-W18-5",
  "1994-05-06T24:00:00Z",
  "1994-05-06T10:00+03:00",
  "1994-05-06+03:00",
  "1994-04-31",
];
for (const text of texts) {
  const date = parser.fromString(text);
  console.log(`${text}: ${date.invalid ? "refused" : date.toISOString()}`);
}
console.log("parts of 10:00+03:00:", JSON.stringify(parser.attempt("1994-05-06T10:00+03:00")));
JS
TZ=UTC node read.cjs > seen
cat seen
diff seen - <<'SEEN'
1994-05-06T10:00:00+03:00: 1994-05-06T07:00:00.000Z
1994-138: refused
1994-W18-5: 1994-08-05T00:00:00.000Z
1994-05-06T24:00:00Z: 1994-05-06T00:00:00.000Z
1994-05-06T10:00+03:00: 1994-05-06T10:00:00.000Z
1994-05-06+03:00: 1994-05-06T03:00:00.000Z
1994-04-31: 1994-05-01T00:00:00.000Z
parts of 10:00+03:00: {"hour":10,"minute":0,"year":1994,"month":5,"day":6}
SEEN
echo "as described"
