// A result as it came, and the files that it can be taken as.

import { make } from "../lib/make.js";
import { needsMet } from "./answer.js";

const LONGEST = 200_000;
const TABLES = { csv: "CSV", tsv: "TSV", json: "JSON", xml: "XML", md: "Markdown" };
// What only some tables have: columns of places, and of ends of edges.
const TYPED = { parquet: "Parquet", xlsx: "XLSX" };
const MAPS = { geojson: "GeoJSON", gpkg: "GeoPackage" };
const NETWORKS = { gexf: "GEXF", graphml: "GraphML", nodelink: "Node-link JSON", edges: "Edge list (CSV)" };
const GRAPHS = { ttl: "Turtle", nt: "N-Triples", jsonld: "JSON-LD", rdf: "RDF/XML" };

export function view(answer, context) {
  const text = answer.kind === "graph" ? answer.text : JSON.stringify(JSON.parse(answer.text), null, 1);
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}\n…` : text;
  return make("div", {}, downloads(context),
    make("pre", { class: "raw", tabindex: 0, "aria-label": context.words.say("view_raw") }, make("code", {}, cut)));
}

/** Links to the whole result in every form that carries it. */
export function downloads({ answer, query, settings, words }) {
  const { geometry, network } = needsMet(answer);
  const tables = { ...TABLES, ...TYPED, ...(geometry ? MAPS : {}), ...(network ? NETWORKS : {}) };
  const formats = Object.entries({ graph: GRAPHS, table: tables }[answer.kind] ?? { json: "JSON", xml: "XML", csv: "CSV" });
  const links = formats.flatMap(([format, name], place) => [
    place ? ", " : "",
    make("a", { href: `${settings.endpoint}?${new URLSearchParams({ query, format })}`, rel: "nofollow" }, name),
  ]);
  return make("p", { class: "caption takes" }, `${words.say("download")} `, ...links);
}
