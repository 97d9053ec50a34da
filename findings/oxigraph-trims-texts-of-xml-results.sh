#!/usr/bin/env bash
# The content of a literal element is the text of the literal, and blanks in the content of an XML element belong to it. A comment
# is no part of it, and a CDATA section is plain text (SPARQL Query Results XML Format, Variable Binding Results; XML 1.0, 2.5, 2.7
# and 2.10). parse_query_results of pyoxigraph 0.5.13 removes blanks and line breaks at both ends of a text. Of a text with a
# comment it keeps only the last piece. A CDATA section is a syntax error. Only the last one is reported. A good engineer expects
# the texts of rdflib 7.6.0, which also wrote the first results. The writer of pyoxigraph escapes such blanks as character
# references, which its reader keeps, so that a test with its own files passes. JSON results are read correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from io import BytesIO

from pyoxigraph import QueryResultsFormat, Store, parse_query_results
from rdflib import Graph
from rdflib.query import Result

QUERY = r'SELECT ?text { VALUES ?text { "Bath" " Bath " "Bath\n" " " } }'
DIVIDED = """<sparql xmlns="http://www.w3.org/2005/sparql-results#"><head><variable name="text"/></head>
<results><result><binding name="text"><literal>{}</literal></binding></result></results></sparql>"""


def read(content, result_format=QueryResultsFormat.XML):
    try:
        return [solution["text"].value for solution in parse_query_results(content, result_format)]
    except SyntaxError as error:
        return type(error).__name__


def show(source, content):
    print(f"{source}: pyoxigraph reads {read(content)}, rdflib", end=" ")
    print([str(row.text) for row in Result.parse(BytesIO(content), format="xml")])


results = Graph().query(QUERY)
show("XML of rdflib", results.serialize(format="xml"))
show("XML of pyoxigraph", Store().query(QUERY).serialize(format=QueryResultsFormat.XML))
print("JSON of rdflib: pyoxigraph reads", read(results.serialize(format="json"), QueryResultsFormat.JSON))
for text in ("Bath<!-- in Somerset --> Spa", "<![CDATA[Bath]]> Spa"):
    show(text, DIVIDED.format(text).encode())
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
XML of rdflib: pyoxigraph reads ['Bath', 'Bath', 'Bath', ''], rdflib ['Bath', ' Bath ', 'Bath\n', ' ']
XML of pyoxigraph: pyoxigraph reads ['Bath', ' Bath ', 'Bath\n', ' '], rdflib ['Bath', ' Bath ', 'Bath\n', ' ']
JSON of rdflib: pyoxigraph reads ['Bath', ' Bath ', 'Bath\n', ' ']
Bath<!-- in Somerset --> Spa: pyoxigraph reads ['Spa'], rdflib ['Bath Spa']
<![CDATA[Bath]]> Spa: pyoxigraph reads SyntaxError, rdflib ['Bath Spa']
SEEN
echo "as described"
