#!/usr/bin/env bash
# DESCRIBE and CONSTRUCT return a graph in an RDF format (SPARQL 1.1 Protocol, 2.1.6). rdflib-endpoint 0.6.3 negotiates the format
# only for CONSTRUCT. The response to a DESCRIBE is RDF/XML, whatever the Accept header, and its Content-Type is
# application/sparql-results+xml, the type of a table of results. A client that relies on the type cannot read it: rdflib 7.6.0
# raises a ResultException. A CONSTRUCT that accepts text/csv gets Turtle labelled as CSV. A good engineer expects an accepted
# format or the status 406. Use a CONSTRUCT instead of DESCRIBE.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0 rdflib-endpoint==0.6.3 uvicorn==0.54.0
"$folder/venv/bin/python" -W ignore - <<'PY' > "$folder/seen"
import socket
import threading
import time
import urllib.parse
import urllib.request

import rdflib
import uvicorn
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from rdflib_endpoint import SparqlEndpoint

graph = rdflib.Graph().parse(data='@prefix ex: <http://example.org/> . ex:bath ex:partner ex:aix .', format="turtle")
server = uvicorn.Server(uvicorn.Config(SparqlEndpoint(graph=graph), log_level="critical"))
listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=server.run, args=([listener],), daemon=True).start()
while not server.started:
    time.sleep(0.1)
address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
for query, accept in (
    ("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", "text/turtle"),
    ("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", "text/csv"),
    ("DESCRIBE <http://example.org/bath>", "text/turtle"),
    ("DESCRIBE <http://example.org/bath>", "application/n-triples"),
):
    request = urllib.request.Request(f"{address}?query={urllib.parse.quote(query)}", headers={"Accept": accept})
    with urllib.request.urlopen(request) as response:
        print(f"{query.split()[0]}, Accept: {accept}")
        kind = "RDF/XML" if b"<rdf:RDF" in (body := response.read()) else body[:7].decode()
        print(f"  {response.headers['Content-Type']}: {kind}")
for query in ("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", "DESCRIBE <http://example.org/bath>"):
    try:
        outcome = len(rdflib.Graph(SPARQLStore(address)).query(query))
    except Exception as error:
        outcome = type(error).__name__
    print(f"rdflib reads {query.split()[0]}: {outcome}")
server.should_exit = True
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
CONSTRUCT, Accept: text/turtle
  text/turtle; charset=utf-8: @prefix
CONSTRUCT, Accept: text/csv
  text/csv; charset=utf-8: @prefix
DESCRIBE, Accept: text/turtle
  application/sparql-results+xml: RDF/XML
DESCRIBE, Accept: application/n-triples
  application/sparql-results+xml: RDF/XML
rdflib reads CONSTRUCT: 1
rdflib reads DESCRIBE: ResultException
SEEN
echo "as described"
