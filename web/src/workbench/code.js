// The query as a program asks it. Pure: text from text.

/** By language: the program. */
export function programs(endpoint, query, isGraph) {
  const accept = isGraph ? "application/n-triples" : "application/sparql-results+json";
  return {
    "Python": python(endpoint, query, isGraph),
    "R": r(endpoint, query, isGraph),
    "curl": curl(endpoint, query, isGraph ? "text/turtle" : "text/csv"),
    "JavaScript": javascript(endpoint, query, accept, isGraph),
  };
}

function python(endpoint, query, isGraph) {
  const text = `"""\\\n${query.trim().replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"')}\n"""`;
  const rest = isGraph
    ? "sparql.setReturnFormat(RDFXML)\ngraph = sparql.query().convert()  # an rdflib.Graph\n"
      + "for subject, predicate, value in graph:\n    print(subject, predicate, value)\n"
    : "sparql.setReturnFormat(JSON)\nfor row in sparql.query().convert()[\"results\"][\"bindings\"]:\n"
      + "    print({name: term[\"value\"] for name, term in row.items()})\n";
  return `# pip install SPARQLWrapper${isGraph ? " rdflib" : ""}\nfrom SPARQLWrapper import ${isGraph ? "RDFXML" : "JSON"}, SPARQLWrapper\n\n`
    + `sparql = SPARQLWrapper("${endpoint}")\nsparql.setMethod("POST")\nsparql.setQuery(${text})\n${rest}`;
}

function r(endpoint, query, isGraph) {
  const accept = isGraph ? "text/turtle" : "text/csv";
  const read = isGraph ? "cat(httr2::resp_body_string(answer))" : "rows <- read.csv(text = httr2::resp_body_string(answer))\nprint(rows)";
  const dashes = dashesFor(query);
  return `# install.packages("httr2")\nquery <- r"${dashes}(${query.trim()})${dashes}"\n\n`
    + `answer <- httr2::request("${endpoint}") |>\n  httr2::req_headers(Accept = "${accept}") |>\n`
    + `  httr2::req_body_form(query = query) |>\n  httr2::req_perform()\n${read}\n`;
}

function curl(endpoint, query, accept) {
  return `curl -s '${endpoint}' -H 'Accept: ${accept}' --data-urlencode query='${query.trim().replaceAll("'", "'\\''")}'\n`;
}

function javascript(endpoint, query, accept, isGraph) {
  const text = query.trim().replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");
  return `const query = \`${text}\`;\n\nconst answer = await fetch("${endpoint}", {\n  method: "POST",\n`
    + `  headers: { Accept: "${accept}" },\n  body: new URLSearchParams({ query }),\n});\n`
    + "if (!answer.ok) throw new Error((await answer.json()).detail);\n"
    + (isGraph ? "console.log(await answer.text());\n" : "console.table((await answer.json()).results.bindings);\n");
}

/** As many dashes as keep a raw string of R from ending early. */
function dashesFor(query) {
  let dashes = "";
  while (query.includes(`)${dashes}"`)) dashes += "-";
  return dashes;
}
