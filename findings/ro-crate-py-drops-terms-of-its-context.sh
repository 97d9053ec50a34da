#!/usr/bin/env bash
# A crate may define its own terms in @context, after the context of RO-Crate (RO-Crate 1.1, Extending RO-Crate). rocrate 0.16.0
# reads such a crate, keeps the properties, and writes it with the context of RO-Crate alone: the terms no longer have an IRI, so
# that a JSON-LD processor ignores these properties. Text with a language loses its language. Nothing is reported. A good engineer
# who opens a crate, adds a file and writes it expects that the rest is unchanged. Before writing, copy the terms to
# `crate.metadata.extra_terms`, which is empty after reading.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rocrate==0.16.0
mkdir "$folder/crate"
cat > "$folder/crate/ro-crate-metadata.json" <<'JSON'
{
  "@context": ["https://w3id.org/ro/crate/1.1/context", {"partner": "https://example.org/partner"}],
  "@graph": [
    {
      "@id": "ro-crate-metadata.json",
      "@type": "CreativeWork",
      "about": {"@id": "./"},
      "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}
    },
    {
      "@id": "./",
      "@type": "Dataset",
      "name": {"@value": "Kardeş şehirler", "@language": "tr"},
      "datePublished": "2020-05-04",
      "license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
      "partner": {"@id": "https://example.org/bath"}
    }
  ]
}
JSON
"$folder/venv/bin/python" - "$folder" <<'PY' > "$folder/seen"
import json
import sys

from rocrate.rocrate import ROCrate

for name in ("crate", "copy"):
    if name == "copy":
        crate = ROCrate(f"{sys.argv[1]}/crate")
        print("extra_terms:", crate.metadata.extra_terms)
        crate.write(f"{sys.argv[1]}/copy")
    with open(f"{sys.argv[1]}/{name}/ro-crate-metadata.json") as file:
        crate = json.load(file)
    root = next(entity for entity in crate["@graph"] if entity["@id"] == "./")
    print(name, crate["@context"])
    print(" ", root["name"], root["partner"], root["datePublished"])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
crate ['https://w3id.org/ro/crate/1.1/context', {'partner': 'https://example.org/partner'}]
  {'@value': 'Kardeş şehirler', '@language': 'tr'} {'@id': 'https://example.org/bath'} 2020-05-04
extra_terms: {}
copy https://w3id.org/ro/crate/1.1/context
  Kardeş şehirler {'@id': 'https://example.org/bath'} 2020-05-04
SEEN
echo "as described"
