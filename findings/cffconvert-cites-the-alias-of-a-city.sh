#!/usr/bin/env bash
# In a CITATION.cff (Citation File Format 1.2.0), an author may be an entity, such as a city, with a name and an alias, and a
# dataset may have several licences. cffconvert 2.0.0 accepts the file below as valid. In BibTeX, RIS and APA it replaces the name
# of the entity by its alias. In schema.org both cities become a Person, the dataset becomes SoftwareSourceCode, and the two
# licences become one IRI that contains a Python list. Nothing is reported. A good engineer expects "City of Bath", an
# Organization, a Dataset and two licences, because the input distinguishes them and schema.org has terms for them. An entity
# without an alias keeps its name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cffconvert==2.0.0
cat > "$folder/CITATION.cff" <<'CFF'
cff-version: 1.2.0
message: Please cite this dataset.
type: dataset
title: Twin towns
authors:
  - name: City of Bath
    alias: the council
  - name: City of Aix
license: [CC-BY-4.0, ODbL-1.0]
date-released: 2020-05-04
CFF
cd "$folder"
for format in apalike bibtex ris schema.org; do
  echo "$format"
  venv/bin/cffconvert --infile CITATION.cff --format "$format"
done > seen
venv/bin/cffconvert --infile CITATION.cff --validate 2>&1 | tail -n 1 >> seen
cat seen
diff seen - <<'SEEN'
apalike
the council, City of Aix (2020). Twin towns
bibtex
@misc{YourReferenceHere,
author = {the council and City of Aix},
month = {5},
title = {Twin towns},
year = {2020}
}
ris
TY  - GEN
AU  - the council
AU  - City of Aix
DA  - 2020-05-04
PY  - 2020
TI  - Twin towns
ER
schema.org
{
  "@context": "https://schema.org",
  "@type": "SoftwareSourceCode",
  "author": [
    {
      "@type": "Person",
      "alternateName": "the council",
      "name": "City of Bath"
    },
    {
      "@type": "Person",
      "name": "City of Aix"
    }
  ],
  "datePublished": "2020-05-04",
  "license": "https://spdx.org/licenses/['CC-BY-4.0', 'ODbL-1.0']",
  "name": "Twin towns"
}
Citation metadata are valid according to schema version 1.2.0.
SEEN
echo "as described"
