#!/usr/bin/env bash
# None is a town in Piedmont, and NA a label like any other. sssom 0.4.21 reads both from a table of mappings as missing, and the
# table that it writes has no label for them. A confidence of 0.0, which SSSOM allows as the least, is left out of its JSON: read
# again it is not known. RDF keeps it. No error is raised and nothing is logged. A good engineer expects that an empty cell alone
# is missing, as in SSSOM/TSV, and that a mapping that nobody trusts does not become one without an opinion.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sssom==0.4.21 sssom-schema==1.1.0a5 pandas==3.1.1 \
  linkml-runtime==1.12.1 linkml==1.12.1 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from io import StringIO

from sssom.parsers import from_sssom_json, from_sssom_rdf, parse_sssom_table
from sssom.writers import to_json, to_rdf_graph, write_table

TABLE = """#mapping_set_id: https://w3id.org/citygraph/mappings
#license: https://creativecommons.org/publicdomain/zero/1.0/
#curie_map:
#  ex: http://example.org/
#  old: http://example.com/
subject_id,subject_label,predicate_id,object_id,object_label,mapping_justification,confidence
ex:bath,Bath,skos:exactMatch,old:bath,Bath,semapv:ManualMappingCuration,1.0
ex:na,NA,skos:closeMatch,old:namibia,Namibia,semapv:LexicalMatching,0.0
ex:none,None,skos:exactMatch,old:none,None,semapv:ManualMappingCuration,0.5
""".replace(",", "\t")
mappings = parse_sssom_table(StringIO(TABLE))
written = StringIO()
write_table(mappings, written)
for line in written.getvalue().splitlines():
    if line.startswith("ex:"):
        print(line.replace("\t", " | "))
read_again = {
    "JSON": from_sssom_json(to_json(mappings), mappings.prefix_map),
    "RDF": from_sssom_rdf(to_rdf_graph(mappings), mappings.prefix_map),
}
for name, again in read_again.items():
    rows = again.df.sort_values("subject_id")
    print(f"confidence from {name}:", *(f"{row.subject_id} {row.confidence}" for row in rows.itertuples()))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
ex:bath | Bath | skos:exactMatch | old:bath | Bath | semapv:ManualMappingCuration | 1.0
ex:na |  | skos:closeMatch | old:namibia | Namibia | semapv:LexicalMatching | 0.0
ex:none |  | skos:exactMatch | old:none |  | semapv:ManualMappingCuration | 0.5
confidence from JSON: ex:bath 1.0 ex:na nan ex:none 0.5
confidence from RDF: ex:bath 1.0 ex:na 0.0 ex:none 0.5
SEEN
echo "as described"
