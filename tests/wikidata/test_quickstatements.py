"""QuickStatements: whole texts, checked items, documents as references; nothing is ever sent."""

from __future__ import annotations

import pytest

from citygraph.rdf.terms import ID
from citygraph.wikidata.compare import read_documents
from citygraph.wikidata.diff import diff
from citygraph.wikidata.edits import EditPlan, WikidataEdit, plan_edits
from citygraph.wikidata.graph_facts import read_facts
from citygraph.wikidata.model import ItemValue, PointValue, QuantityValue, Statement, TextValue
from citygraph.wikidata.quickstatements import batches, format_value, summary, to_csv, to_v1
from tests.wikidata.ours import TRIG, our_quads
from tests.wikidata.test_diff import theirs, tie

ONE_SIDED = tie("Q9000001", "Q9000002")
PAGE = (
    'S854\t"https://example.org/partners"\tS1476\ttr:"Kardeş şehirler"'
    "\tS577\t+2020-05-00T00:00:00Z/10\tS813\t+2026-11-02T00:00:00Z/11"
)
NEWS = '!S1476\ten:"News "today""\tS577\t+1993-01-02T00:00:00Z/11\tS813\t+2026-11-03T00:00:00Z/11'
V1 = f"""\
Q9000001\tP190\tQ9000003\tP580\t+1992-05-00T00:00:00Z/10\t{NEWS[1:]}\t!{PAGE}\t/* citygraph: sister cities, Alphaville and Gammaton */
Q9000002\tP190\tQ9000001\tP580\t+1985-09-04T00:00:00Z/11\t{PAGE}\t/* citygraph: sister cities, Betaburg and Alphaville */
Q9000003\tP190\tQ9000001\tP580\t+1992-05-00T00:00:00Z/10\t{NEWS[1:]}\t!{PAGE}\t/* citygraph: sister cities, Gammaton and Alphaville */

Q9000001\tP190\tQ9000002\tP580\t+1985-09-04T00:00:00Z/11\t{PAGE}\t/* citygraph: dates of statements that are there, Alphaville and Betaburg */

Q9000001\tP625\t@40.12/-3.51\tS1476\ten:"Register"\tS813\t+2026-11-01T00:00:00Z/11\t/* citygraph: coordinates, Alphaville */

Q9000001\tLtr\t"Alfakent"\t/* citygraph: labels, Alphaville */
Q9000002\tLtr\t"Betaburg şehri"\t/* citygraph: labels, Betaburg */
"""  # noqa: E501
CSV = '''\
qid,P190,qal580,S1476,S577,S813,S854,#
Q9000001,Q9000003,+1992-05-00T00:00:00Z/10,"en:""News ""today""""",+1993-01-02T00:00:00Z/11,+2026-11-03T00:00:00Z/11,,"citygraph: sister cities, Alphaville and Gammaton"
Q9000001,Q9000003,,"tr:""Kardeş şehirler""",+2020-05-00T00:00:00Z/10,+2026-11-02T00:00:00Z/11,"""https://example.org/partners""","citygraph: sister cities, Alphaville and Gammaton"
Q9000002,Q9000001,+1985-09-04T00:00:00Z/11,"tr:""Kardeş şehirler""",+2020-05-00T00:00:00Z/10,+2026-11-02T00:00:00Z/11,"""https://example.org/partners""","citygraph: sister cities, Betaburg and Alphaville"
Q9000003,Q9000001,+1992-05-00T00:00:00Z/10,"en:""News ""today""""",+1993-01-02T00:00:00Z/11,+2026-11-03T00:00:00Z/11,,"citygraph: sister cities, Gammaton and Alphaville"
Q9000003,Q9000001,,"tr:""Kardeş şehirler""",+2020-05-00T00:00:00Z/10,+2026-11-02T00:00:00Z/11,"""https://example.org/partners""","citygraph: sister cities, Gammaton and Alphaville"
'''  # noqa: E501
SUMMARY = """\
7 edit(s) in 4 batch(es). Nothing is sent: review them, then paste them into
https://quickstatements.toolforge.org/

01-sister-cities: 3 edit(s) of 3 item(s)
02-dates-of-statements-that-are-there: 1 edit(s) of 1 item(s)
03-coordinates: 1 edit(s) of 1 item(s)
04-labels: 2 edit(s) of 2 item(s)

Left out: 2
- Nowhere (Q9000990): its item was not found (sister cities: 1)
- Unlinked: no item is linked (sister cities: 1)

https://w3id.org/citygraph/source/news has no address (schema:url): it is cited by its title and dates only
https://w3id.org/citygraph/source/register has no address (schema:url): it is cited by its title and dates only
"""


def made(trig: str = TRIG, *ties: Statement, only: tuple[str, ...] = (), limit: int = 0) -> EditPlan:
    """The edits for Alphaville, where these ties stand there."""
    ours, there = read_facts(our_quads(trig)), theirs(trig, *(ties or (ONE_SIDED,)))
    changes = diff(ours, there, [ID + "city/alphaville"])
    return plan_edits(changes, ours, there, read_documents(our_quads(trig)), only, limit)


def test_the_whole_text_of_v1() -> None:
    """Both directions of a tie that is missing, the reverse of one that is there, its date, labels; and the summary."""
    found = made()
    texts = [to_v1(batch) for batch in batches(found.edits)]
    assert "\n".join(texts) == V1
    assert summary(found, batches(found.edits)) == SUMMARY


def test_the_whole_text_of_csv() -> None:
    """A column for each property; a second reference in a row of its own."""
    first, _, _, labels = (to_csv(batch) for batch in batches(made().edits))
    assert first == CSV
    assert labels == (
        'qid,Ltr,#\nQ9000001,Alfakent,"citygraph: labels, Alphaville"\n'
        'Q9000002,Betaburg şehri,"citygraph: labels, Betaburg"\n'
    )


def test_only_and_limit() -> None:
    """Of some kinds only, and no more than so many."""
    assert {edit.kind for edit in made(only=("dates",)).edits} == {"dates"}
    assert len(made(limit=2).edits) == 2
    assert [len(batch.edits) for batch in batches(made().edits, size=2)] == [2, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"Gammaton"@en', '"Deltaville"@en', "the item has none of our names (Gammaton, not Deltaville)"),
        ("wd:Q9000003 ; cg:country country:betaland", "wd:Q9000003 ; cg:country country:alphaland",
         "the item lies in Betaland, not in Alphaland"),
        ("wd:Q9000003 ; cg:country country:betaland", "wd:Q9000003", "neither country nor coordinates confirm"),
    ],
)  # fmt: skip
def test_an_item_that_does_not_fit_gets_no_edit(old: str, new: str, reason: str) -> None:
    """Invented ids are common in public data: label, country and coordinates must fit."""
    found = made(TRIG.replace(old, new))
    assert any(reason in left.reason for left in found.omitted)
    assert not any(edit.value == ItemValue("Q9000003") or edit.qid == "Q9000003" for edit in found.edits)


def test_dates_are_written_to_both_directions() -> None:
    """Where both statements stand there without the date, each gets it; a date that is there is left alone."""
    found = made(TRIG, ONE_SIDED, tie("Q9000002", "Q9000001"), only=("dates",))
    assert {(edit.qid, edit.value) for edit in found.edits} == {
        ("Q9000001", ItemValue("Q9000002")), ("Q9000002", ItemValue("Q9000001")),
    }  # fmt: skip
    assert not made(TRIG, tie("Q9000001", "Q9000002", "1985"), only=("dates",)).edits


def test_what_nobody_can_cite_is_left_out() -> None:
    """A statement without a document is none for Wikidata."""
    found = made(TRIG.replace("source:news a cg:Source ; dcterms:title", "source:news a cg:Source ; rdfs:label")
                 .replace("GRAPH source:page", "GRAPH graph:curation"))  # fmt: skip
    assert {left.reason for left in found.omitted if left.finding.value.name == "Gammaton"} == {
        "no document can be cited"
    }


def test_values_as_quickstatements_writes_them() -> None:
    """Points, numbers, plain and monolingual text; a line's end in a text would end the command."""
    values = (PointValue("38.4", "27.1"), QuantityValue("5"), TextValue("a\tb\nc"), TextValue("ğ", "tr"))
    assert [format_value(value) for value in values] == ["@38.4/27.1", "5", '"a b c"', 'tr:"ğ"']
    edit = WikidataEdit("label", "Q9000001", "Ltr", TextValue("a"), summary="x */ y")
    assert to_v1(batches([edit])[0]) == 'Q9000001\tLtr\t"a"\t/* x  y */\n'


def test_a_document_is_cited_by_its_page_and_day() -> None:
    """(15 §2) The address may be foaf:page; of a document with a time of day, S577 is the day."""
    trig = TRIG.replace('"2020-05"^^xsd:gYearMonth', '"2020-05-06T16:03:00"^^xsd:dateTime').replace(
        'schema:url "https://example.org/partners"', "foaf:page <https://example.org/partners>"
    )
    commands = "".join(map(to_v1, batches(made(trig).edits)))
    assert (
        'S854\t"https://example.org/partners"\tS1476\ttr:"Kardeş şehirler"\tS577\t+2020-05-06T00:00:00Z/11' in commands
    )


def test_title_that_a_curator_supplied_is_not_written() -> None:
    """Titles in square brackets are not those of the document; without an address nothing is left to cite it by."""
    supplied = TRIG.replace('"Kardeş şehirler"@tr', '"[A list of partners]"@en, "[Ortaklar listesi]"@tr')
    commands = "".join(map(to_v1, batches(made(supplied).edits)))
    assert 'S854\t"https://example.org/partners"\tS577\t+2020-05-00T00:00:00Z/10' in commands
    assert "[" not in commands
    without_address = made(supplied.replace(' ; schema:url "https://example.org/partners"', ""))
    reasons = {left.reason for left in without_address.omitted if left.finding.value.name == "Betaburg"}
    assert reasons == {"no document can be cited"}
