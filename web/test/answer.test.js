// What the scripts do with an answer before anything is drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { projection, way } from "../src/lib/globe.js";
import { chartedColumn, isNumeric, namingColumn, needsMet, numberOf, placeAt, readAnswer, shortened, spanOf, triple, viewNamed } from "../src/workbench/answer.js";
import { folded, rated, undeclared } from "../src/workbench/complete.js";

const XSD = "http://www.w3.org/2001/XMLSchema#";
const literal = (value, type) => ({ type: "literal", value, datatype: type && XSD + type });
const PREFIXES = { cg: "https://example.org/o#", city: "https://example.org/id/city/", id: "https://example.org/id/" };

test("triples are read with their escapes, languages and types", () => {
  assert.deepEqual(triple('<a:b> <c:d> "\\u0130zmir \\"x\\""@tr .'), [
    { type: "uri", value: "a:b" }, { type: "uri", value: "c:d" }, { type: "literal", value: 'İzmir "x"', "xml:lang": "tr" }]);
  assert.equal(triple('_:b1 <c:d> "3"^^<x:int> .')[2].datatype, "x:int");
  assert.equal(readAnswer("application/n-triples", "<a:b> <c:d> <e:f> .\n\n").rows.length, 1);
});

test("a result is offered as what it has", () => {
  const iri = { type: "uri", value: "x:y" };
  const table = (columns, ...rows) => ({ kind: "table", columns, rows });
  assert.deepEqual(needsMet(table(["lat", "lon"], [literal("1.5", "decimal"), literal("2", "integer")])), { geometry: true, network: false });
  assert.deepEqual(needsMet(table(["a", "b"], [iri, undefined], [iri, iri])), { geometry: false, network: true });
  assert.deepEqual(needsMet(table(["lat", "lon"], [literal("1"), literal("2")])), { geometry: false, network: false });
});

test("a date is as wide as it is imprecise", () => {
  assert.deepEqual(spanOf(literal("1991", "gYear")), { from: 1991, to: 1992, isPoint: false });
  assert.equal(spanOf(literal("1991-09", "gYearMonth")).isPoint, false);
  assert.equal(spanOf(literal("1991-09-04", "date")).isPoint, true);
  assert.equal(spanOf(literal("1991")), null);
});

test("a number is one by its type, and nothing else is", () => {
  assert.equal(numberOf(literal("41.65", "decimal")), 41.65);
  assert.equal(numberOf(literal("41.65")), null);
  assert.equal(numberOf(undefined), null);
  assert.equal(numberOf(literal("-7", "negativeInteger")), -7);
  assert.equal(numberOf(literal("NaN", "double")), null);
  assert.ok(isNumeric(literal("NaN", "double")));
});

test("only a place on the earth is drawn on the map", () => {
  assert.deepEqual(placeAt(-180, 90), [-180, 90]);
  assert.equal(placeAt(2000, 1000), null);
  assert.equal(placeAt(null, 3), null);
});

test("a chart by years shows the other numbers first", () => {
  assert.equal(chartedColumn({ columns: ["year", "ties"] }, [0, 1]), 1);
  assert.equal(chartedColumn({ columns: ["year"] }, [0]), 0);
});

test("a row is named by its label column, else by its first text", () => {
  const rows = [[{ type: "uri", value: "a:b" }, literal("3", "integer"), literal("Baku")]];
  assert.equal(namingColumn({ columns: ["partner", "n", "partnerLabel"], rows }), 2);
  assert.equal(namingColumn({ columns: ["x", "n", "text"], rows }), 2);
});

test("the longest namespace shortens, and what would need escapes stays whole", () => {
  assert.equal(shortened("https://example.org/id/city/izmir", PREFIXES), "city:izmir");
  assert.equal(shortened("https://example.org/id/city/a/b", PREFIXES), "<https://example.org/id/city/a/b>");
});

test("the view stands in the head", () => {
  assert.equal(viewNamed("# Partners\n# view: map\nSELECT"), "map");
  assert.equal(viewNamed("#+ view: chart\n"), "chart");
  assert.equal(viewNamed("SELECT ?view { }"), "");
});

test("letters are folded as the search folds them", () => {
  assert.deepEqual(["İzmir", "ızmır", "IZMIR"].map(folded), ["izmir", "izmir", "izmir"]);
  assert.ok(rated("sister", { name: "cg:SisterCityAgreement", label: "" }) > rated("city", { name: "cg:SisterCityAgreement", label: "" }));
  assert.equal(rated("zzz", { name: "cg:City", label: "city" }), 0);
});

test("a prefix is declared once, and not in its own declaration", () => {
  assert.equal(undeclared("ASK { ?x cg:", "ASK { ?x cg:", PREFIXES), "cg");
  assert.equal(undeclared("PREFIX cg: <x>\nASK { ?x cg:", "ASK { ?x cg:", PREFIXES), "");
  assert.equal(undeclared("PREFIX cg:", "PREFIX cg:", PREFIXES), "");
  assert.equal(undeclared("<http:", "<http:", PREFIXES), "");
});

test("distance grows by its root, and directions are true", () => {
  const izmir = [27.14, 38.42];
  assert.ok(Math.abs(way(izmir, [49.86, 40.4]).km - 1950) < 30);
  const [x, y] = projection(izmir, 100, 10_000)([27.14, 48.42]);
  assert.ok(Math.abs(x) < 1e-9 && y < 0);
});
