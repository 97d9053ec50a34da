#!/usr/bin/env bash
# LOAD SILENT continues after an error, and a CONSTRUCT with an empty template returns no triple (SPARQL 1.1 Update, 3.1.4; Query,
# 16.2; grammar rules 31 and 73). sparqljs 3.7.4 parses queries and updates, and writes them again. It drops SILENT after LOAD, so
# that one missing file ends the whole update. It writes the empty template as the short form CONSTRUCT WHERE, which returns all
# triples of the pattern. No error is raised for these. Of two conditions in HAVING, and of an empty template of INSERT, it makes
# text that it cannot read, and COPY to the default graph raises a TypeError. A good engineer expects a text with the same
# meaning, as @traqula/generator-sparql-1-1 1.3.1 writes for all of these but the empty INSERT. CLEAR SILENT, and templates with
# triples, are kept, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund sparqljs@3.7.4 @traqula/generator-sparql-1-1@1.3.1 @traqula/parser-sparql-1-1@1.3.1 \
  >> npm.log 2>&1
cat > write.mjs <<'JS'
import { Generator as Other } from "@traqula/generator-sparql-1-1";
import { Parser as OtherParser } from "@traqula/parser-sparql-1-1";
import { Generator, Parser } from "sparqljs";

const readable = (text) => {
  try {
    new Parser().parse(text);
    return "";
  } catch {
    return " (cannot be read)";
  }
};
const write = (name, generate) => {
  try {
    const text = generate().replace(/\s+/g, " ").trim();
    console.log(`  ${name}: ${text}${readable(text)}`);
  } catch (error) {
    console.log(`  ${name}: ${error.name}`);
  }
};
for (const text of [
  "CLEAR SILENT GRAPH <urn:x:a>",
  "LOAD SILENT <urn:x:a> INTO GRAPH <urn:x:b>",
  "COPY GRAPH <urn:x:a> TO DEFAULT",
  "CONSTRUCT { ?s <urn:x:p> ?o } WHERE { ?s ?p ?o }",
  "CONSTRUCT { } WHERE { ?s ?p ?o }",
  "INSERT { } WHERE { ?s ?p ?o }",
  "SELECT ?s WHERE { ?s ?p ?o } GROUP BY ?s HAVING (COUNT(?o) > 1) (MIN(?o) < 3)",
]) {
  console.log(text);
  write("sparqljs", () => new Generator().stringify(new Parser().parse(text)));
  write("traqula", () => new Other().generate(new OtherParser().parse(text)));
}
JS
node write.mjs > seen
cat seen
diff seen - <<'SEEN'
CLEAR SILENT GRAPH <urn:x:a>
  sparqljs: CLEAR SILENT GRAPH <urn:x:a>
  traqula: CLEAR SILENT GRAPH <urn:x:a>
LOAD SILENT <urn:x:a> INTO GRAPH <urn:x:b>
  sparqljs: LOAD <urn:x:a> INTO GRAPH <urn:x:b>
  traqula: LOAD SILENT <urn:x:a> INTO GRAPH <urn:x:b>
COPY GRAPH <urn:x:a> TO DEFAULT
  sparqljs: TypeError
  traqula: COPY GRAPH <urn:x:a> TO DEFAULT
CONSTRUCT { ?s <urn:x:p> ?o } WHERE { ?s ?p ?o }
  sparqljs: CONSTRUCT { ?s <urn:x:p> ?o. } WHERE { ?s ?p ?o. }
  traqula: CONSTRUCT { ?s <urn:x:p> ?o . } WHERE { ?s ?p ?o . }
CONSTRUCT { } WHERE { ?s ?p ?o }
  sparqljs: CONSTRUCT WHERE { ?s ?p ?o. }
  traqula: CONSTRUCT { } WHERE { ?s ?p ?o . }
INSERT { } WHERE { ?s ?p ?o }
  sparqljs: WHERE { ?s ?p ?o. } (cannot be read)
  traqula: WHERE { ?s ?p ?o . } (cannot be read)
SELECT ?s WHERE { ?s ?p ?o } GROUP BY ?s HAVING (COUNT(?o) > 1) (MIN(?o) < 3)
  sparqljs: SELECT ?s WHERE { ?s ?p ?o. } GROUP BY ?s HAVING ((COUNT(?o)) > 1 (MIN(?o)) < 3 ) (cannot be read)
  traqula: SELECT ?s WHERE { ?s ?p ?o . } GROUP BY ?s HAVING ( COUNT( ?o ) > "1"^^<http://www.w3.org/2001/XMLSchema#integer> ) ( MIN( ?o ) < "3"^^<http://www.w3.org/2001/XMLSchema#integer> )
SEEN
echo "as described"
