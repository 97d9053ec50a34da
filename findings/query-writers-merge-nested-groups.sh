#!/usr/bin/env bash
# A group within a group is evaluated on its own, and then joined (SPARQL 1.1, 18.2.2 and 18.6): braces may be significant. toSparql
# of sparqlalgebrajs 5.0.2, and toAst of @traqula/algebra-sparql-1-1 1.3.1, turn the algebra of a query back into text, for example
# to change a query before it is sent to an endpoint. Both join the patterns of an inner group with the outer ones: an OPTIONAL that
# removes rows no longer does, a MINUS that removes no row removes all of them, and, in sparqlalgebrajs, a BIND sees variables of the
# outer group. No error is raised. A good engineer expects a query with the same solutions, because the algebra is correct. Groups
# without OPTIONAL, MINUS, BIND and FILTER are joined in any order with the same result, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund sparqlalgebrajs@5.0.2 @traqula/parser-sparql-1-1@1.3.1 @traqula/algebra-sparql-1-1@1.3.1 \
  @traqula/generator-sparql-1-1@1.3.1 @comunica/query-sparql-rdfjs@5.4.1 n3@2.13.12 >> npm.log 2>&1
cat > write.mjs <<'JS'
import { QueryEngine } from "@comunica/query-sparql-rdfjs";
import { toAlgebra, toAst } from "@traqula/algebra-sparql-1-1";
import { Generator } from "@traqula/generator-sparql-1-1";
import { Parser as QueryParser } from "@traqula/parser-sparql-1-1";
import { Parser, Store } from "n3";
import { toSparql, translate } from "sparqlalgebrajs";

const prefix = "PREFIX : <http://example.org/>";
const store = new Store(new Parser().parse(`${prefix} :bath :twin :beppu ; :mayor :anna . :alkmaar :twin :troyes .`));
const engine = new QueryEngine();
const writers = {
  "the query": (query) => query,
  sparqlalgebrajs: (query) => toSparql(translate(query)),
  traqula: (query) => new Generator().generate(toAst(toAlgebra(new QueryParser().parse(query)))),
};
const name = (term) => term.value.split("/").at(-1);
const plain = (text) => text.slice(text.indexOf("{")).replace(/<http:[/][/]example.org[/](\w+)>/g, ":$1").replace(/\s*[.]?\s+/g, " ");
for (const pattern of [
  "{ ?city :twin ?twin . { ?city :mayor ?mayor } }",
  "{ ?city :twin ?twin . { OPTIONAL { ?city :mayor ?mayor } } }",
  "{ ?city :twin ?twin . { { ?city :mayor ?mayor } MINUS { ?other :twin ?twin } } }",
  "{ ?city :twin ?twin . { BIND (BOUND(?city) AS ?bound) } }",
]) {
  for (const [writer, write] of Object.entries(writers)) {
    const text = write(`${prefix} SELECT * WHERE ${pattern}`);
    const rows = await (await engine.queryBindings(text, { sources: [store] })).toArray();
    const seen = rows.map((row) => [...row.values()].map(name).sort().join(" ")).sort();
    console.log(`${writer}: ${plain(text)}\n  ${seen.join(", ") || "no solutions"}`);
  }
}
JS
node write.mjs > seen
cat seen
diff seen - <<'SEEN'
the query: { ?city :twin ?twin { ?city :mayor ?mayor } }
  anna bath beppu
sparqlalgebrajs: { ?city :twin ?twin; :mayor ?mayor }
  anna bath beppu
traqula: { ?city :twin ?twin ?city :mayor ?mayor }
  anna bath beppu
the query: { ?city :twin ?twin { OPTIONAL { ?city :mayor ?mayor } } }
  anna bath beppu
sparqlalgebrajs: { ?city :twin ?twin OPTIONAL { ?city :mayor ?mayor } }
  alkmaar troyes, anna bath beppu
traqula: { ?city :twin ?twin OPTIONAL { ?city :mayor ?mayor } }
  alkmaar troyes, anna bath beppu
the query: { ?city :twin ?twin { { ?city :mayor ?mayor } MINUS { ?other :twin ?twin } } }
  anna bath beppu
sparqlalgebrajs: { ?city :twin ?twin; :mayor ?mayor MINUS { ?other :twin ?twin } }
  no solutions
traqula: { ?city :twin ?twin ?city :mayor ?mayor MINUS { ?other :twin ?twin } }
  no solutions
the query: { ?city :twin ?twin { BIND (BOUND(?city) AS ?bound) } }
  alkmaar false troyes, bath beppu false
sparqlalgebrajs: { ?city :twin ?twin BIND(BOUND(?city) AS ?bound) }
  alkmaar troyes true, bath beppu true
traqula: { ?city :twin ?twin { BIND( BOUND( ?city ) AS ?bound ) } }
  alkmaar false troyes, bath beppu false
SEEN
echo "as described"
