// A query's answer as columns and rows of terms, whatever form it came in. Pure: nothing here touches the page.

const XSD = "http://www.w3.org/2001/XMLSchema#";
const NUMBERS = new Set(["integer", "decimal", "double", "float", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger",
  "nonPositiveInteger", "negativeInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"].map((n) => XSD + n));
const DATES = new Set(["date", "dateTime", "gYear", "gYearMonth"].map((n) => XSD + n));
const WKT = "http://www.opengis.net/ont/geosparql#wktLiteral";
const LATITUDES = /^(.*?)_?(?:lat|latitude|enlem)$/i, LONGITUDES = /^(.*?)_?(?:lon|long|lng|longitude|boylam)$/i;
const TRIPLE = ["subject", "predicate", "object"];
const NAMING = [/label$/i, /^name$|name$/i, /title$/i, /^partners$/i];
const NT = /^\s*(<[^>]*>|_:\S+)\s+(<[^>]*>)\s+(<[^>]*>|_:\S+|"(?:[^"\\]|\\.)*"(?:@[A-Za-z0-9-]+|\^\^<[^>]*>)?)\s*\.\s*$/;

/** The answer read: { kind, columns, rows, truth, text }; kind is "table", "truth" or "graph". */
export function readAnswer(contentType, text) {
  if (contentType.startsWith("application/n-triples")) {
    return { kind: "graph", columns: TRIPLE, rows: text.split("\n").map(triple).filter(Boolean), text };
  }
  const answer = JSON.parse(text);
  if ("boolean" in answer) return { kind: "truth", columns: [], rows: [], truth: answer.boolean, text };
  const columns = answer.head.vars;
  return { kind: "table", columns, rows: answer.results.bindings.map((row) => columns.map((name) => row[name])), text };
}

/** A line of N-Triples as three terms. */
export function triple(line) {
  const parts = NT.exec(line);
  return parts ? parts.slice(1, 4).map(ntTerm) : null;
}

function ntTerm(text) {
  if (text.startsWith("<")) return { type: "uri", value: unescaped(text.slice(1, -1)) };
  if (text.startsWith("_:")) return { type: "bnode", value: text.slice(2) };
  const end = text.lastIndexOf('"'), rest = text.slice(end + 1);
  const value = unescaped(text.slice(1, end));
  if (rest.startsWith("@")) return { type: "literal", value, "xml:lang": rest.slice(1) };
  return { type: "literal", value, datatype: rest.startsWith("^^") ? rest.slice(3, -1) : undefined };
}

function unescaped(text) {
  const short = { t: "\t", b: "\b", n: "\n", r: "\r", f: "\f" };
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g, (_, four, eight, one) =>
    four || eight ? String.fromCodePoint(parseInt(four ?? eight, 16)) : short[one] ?? one);
}

export function isIri(term) {
  return term?.type === "uri";
}

/** The number that a term is, or null. Text that looks like one is one only in a column that is all numbers. */
export function numberOf(term) {
  if (!isNumeric(term)) return null;
  const number = Number(term.value);
  return Number.isFinite(number) ? number : null;
}

/** Whether a term is of a type of numbers: NaN and infinite numbers are of one, and cannot be drawn. */
export function isNumeric(term) {
  return term?.type === "literal" && NUMBERS.has(term.datatype);
}

/** A place on the earth as longitude and latitude, or null if the numbers are of none. */
export function placeAt(longitude, latitude) {
  const isPlace = longitude !== null && latitude !== null && Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;
  return isPlace ? [longitude, latitude] : null;
}

/** The column of numbers that a chart shows first: years and the like name the rows instead. */
export function chartedColumn(answer, numbers) {
  return numbers.find((place) => !/^(?:year|decade|ordinal)$/i.test(answer.columns[place])) ?? numbers[0];
}

/** The span of time that a date means, in years and parts of a year: { from, to, year }, or null. */
export function spanOf(term) {
  if (term?.type !== "literal" || !DATES.has(term.datatype)) return null;
  const parts = /^(-?\d{4,})(?:-(\d\d))?(?:-(\d\d))?/.exec(term.value);
  if (!parts) return null;
  const [year, month, day] = parts.slice(1).map((part) => (part === undefined ? null : Number(part)));
  if (month === null) return { from: year, to: year + 1, isPoint: false };
  if (day === null) return { from: year + (month - 1) / 12, to: year + month / 12, isPoint: false };
  const at = year + (month - 1) / 12 + (day - 1) / 372;
  return { from: at, to: at, isPoint: true };
}

/** The places of the columns in which some term passes a test, and no bound term fails it. */
export function columnsOf(answer, test) {
  return answer.columns.flatMap((_, place) => {
    const terms = answer.rows.map((row) => row[place]).filter(Boolean);
    return terms.length && terms.every(test) ? [place] : [];
  });
}

/** What a table has, by the server's own rules (docs/formats.md): a geometry, the two ends of a network. */
export function needsMet(answer) {
  if (answer.kind !== "table") return { geometry: false, network: false };
  const prefixes = (pattern) => columnsOf(answer, (term) => numberOf(term) !== null)
    .map((place) => pattern.exec(answer.columns[place])?.[1]).filter((prefix) => prefix !== undefined);
  const longitudes = prefixes(LONGITUDES);
  const places = prefixes(LATITUDES).some((prefix) => longitudes.includes(prefix));
  return { geometry: places || columnsOf(answer, (term) => term.datatype === WKT).length > 0,
    network: columnsOf(answer, isIri).length > 1 };
}

/** The column that names a row: what a column of things is labelled by, else its first text, else its first column. */
export function namingColumn(answer, without = []) {
  for (const pattern of NAMING) {
    const found = answer.columns.findIndex((name, place) => pattern.test(name) && !without.includes(place));
    if (found >= 0) return found;
  }
  const isText = (term) => term.type === "literal" && numberOf(term) === null && spanOf(term) === null;
  const texts = columnsOf(answer, isText).filter((place) => !without.includes(place));
  if (texts.length) return texts[0];
  return answer.columns.findIndex((_, place) => !without.includes(place));
}

/** The column with the labels of a column of things: "partnerLabel" for "partner". */
export function labelColumn(answer, place) {
  const name = answer.columns[place];
  return answer.columns.findIndex((other) => [`${name}Label`, `${name}Name`, `${name}_label`].includes(other));
}

/** An IRI as a query writes it: with a prefix where there is one, else whole. */
export function shortened(iri, prefixes) {
  let best = "";
  for (const [prefix, namespace] of Object.entries(prefixes)) {
    if (iri.startsWith(namespace) && namespace.length > (prefixes[best]?.length ?? 0)) best = prefix;
  }
  const local = best ? iri.slice(prefixes[best].length) : "";
  return best && /^[\p{L}\p{N}_][\p{L}\p{N}_-]*$/u.test(local) ? `${best}:${local}` : `<${iri}>`;
}

/** The view that a query names in its head: "# view: map". */
export function viewNamed(text) {
  return /^#\+?\s*view:\s*(\w+)/m.exec(text)?.[1] ?? "";
}
