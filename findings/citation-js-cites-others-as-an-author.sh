#!/usr/bin/env bash
# In BibTeX and BibLaTeX, "and others" at the end of a list of names means "et al."; a BibLaTeX date may be any EDTF date of level
# 1. @citation-js/plugin-bibtex 0.8.2 makes "others" the family name of another author. It drops the parts of a date that it
# cannot represent: 197X becomes the year 1970, an open end becomes a null, which the schema of CSL does not allow, and the year
# -0044 becomes 0. No error is raised. A good engineer expects "et al." and, for a date without an exact year, a literal date of
# CSL, which the plugin itself returns for the field `year`. Ordinary names and dates are read correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @citation-js/core@0.8.2 @citation-js/plugin-bibtex@0.8.2 @citation-js/plugin-csl@0.8.2 \
  >> npm.log 2>&1
cat > read.mjs <<'JS'
import { Cite } from "@citation-js/core";
import "@citation-js/plugin-bibtex";
import "@citation-js/plugin-csl";

const names = new Cite("@report{a, author = {{City of Bath} and Ali Yılmaz and others}, title = {Twin towns}, date = {1977}}");
console.log(JSON.stringify(names.data[0].author));
console.log(names.format("bibliography", { template: "apa" }).trim());
for (const field of ["date = {1977-10/1978}", "date = {197X}", "date = {1977/..}", "date = {-0044}", "year = {197X}"]) {
  const { issued } = new Cite(`@report{a, author = {{City of Bath}}, title = {Twin towns}, ${field}}`).data[0];
  console.log(`${field}: ${JSON.stringify(issued)}`);
}
JS
node read.mjs | tee seen
diff seen - <<'SEEN'
[{"family":"City of Bath"},{"given":"Ali","family":"Yılmaz"},{"family":"others"}]
City of Bath, Yılmaz, A., & others. (1977). Twin towns.
date = {1977-10/1978}: {"date-parts":[[1977,10],[1978]]}
date = {197X}: {"date-parts":[[1970]]}
date = {1977/..}: {"date-parts":[[1977],null]}
date = {-0044}: {"date-parts":[[0]]}
year = {197X}: {"literal":"197X"}
SEEN
echo "as described"
