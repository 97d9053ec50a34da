"""The dump: the same as a pull, from a stream, in any packing, on any number of cores."""

from __future__ import annotations

import bz2
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from citygraph.errors import BadData, UsageError
from citygraph.wikidata.dump import LocalEngine, digest_of, import_dump
from citygraph.wikidata.source_file import WrittenSource
from tests.wikidata.conftest import DUMP, FIXTURES, RETRIEVED

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    ".json": bytes,
    ".json.gz": gzip.compress,
    ".json.bz2": bz2.compress,
    ".json.zst": zstandard.ZstdCompressor().compress,
}


def imported(dump: Path, into: Path, workers: int = 1) -> WrittenSource:
    """The import of a dump, with nothing of ours beside it."""
    return import_dump(str(dump), list, into, retrieved=RETRIEVED, engine=LocalEngine(workers), sha256="0" * 64)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The source that the fixture dump makes."""
    return imported(DUMP, tmp_path_factory.mktemp("expected")).path.read_bytes()


def test_the_whole_text(tmp_path: Path) -> None:
    """What an import writes, line by line; and what it tells."""
    written = import_dump(str(DUMP), list, tmp_path, retrieved=RETRIEVED, engine=LocalEngine(1))
    assert written.path.read_text(encoding="utf-8") == (FIXTURES / "invented.nq").read_text(encoding="utf-8")
    told = {(finding.kind, finding.qid) for finding in written.notices}
    assert told == {
        ("bad-value", "Q9000001"), ("class-unknown", "Q9000005"), ("contradiction", "Q9000001"),
        ("deprecated", "Q9000001"), ("deprecated", "Q9000002"), ("itself", "Q9000001"), ("missing", "Q9000006"),
        ("no-country", "Q9000007"), ("no-label", "Q9000005"), ("no-partner", "Q9000001"),
        ("novalue", "Q9000001"), ("somevalue", "Q9000001"), ("vague-date", "Q9000001"),
    }  # fmt: skip


@pytest.mark.parametrize("ending", PACKINGS)
def test_every_packing_gives_the_same(tmp_path: Path, ending: str) -> None:
    """Packed or not, by one worker or by three."""
    dump = tmp_path / f"dump{ending}"
    dump.write_bytes(PACKINGS[ending](DUMP.read_bytes()))
    workers = 3 if ending == ".json.bz2" else 1
    expected = imported(DUMP, tmp_path / "expected").path.read_bytes()
    assert imported(dump, tmp_path / "got", workers).path.read_bytes() == expected


def test_order_and_age_of_the_dump_do_not_matter(tmp_path: Path) -> None:
    """Items in any order; ids at the end of the line, as in the dumps of 2015; numbers instead of ids."""
    lines = [json.loads(line.rstrip(",")) for line in DUMP.read_text().splitlines() if line.startswith("{")]
    old = tmp_path / "old.json"
    entities = [json.dumps(dict(sorted(e.items()))) for e in reversed(lines)]
    old.write_text("[\n" + re.sub(r', "id": "Q\d+"}', "}", ",\n".join(entities)) + "\n]\n")
    expected = imported(DUMP, tmp_path / "expected").path.read_bytes()
    assert imported(old, tmp_path / "got").path.read_bytes() == expected


@pytest.mark.parametrize("ending", PACKINGS)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_cut_dump_is_an_error_and_changes_nothing(tmp_path: Path, ending: str, workers: int) -> None:
    """Half a download must not pass for a world with fewer twinnings."""
    old = imported(DUMP, tmp_path / "out").path.read_bytes()
    whole = PACKINGS[ending](DUMP.read_bytes())
    dump = tmp_path / f"cut{ending}"
    dump.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadData, match="cut"):
        imported(dump, tmp_path / "out", workers)
    assert (tmp_path / "out" / "wikidata.nq").read_bytes() == old


_POPULATION = (
    '{"type":"item","id":"Q7","claims":{"P190":[],"P1082":'
    '[{"id":"Q7$1","mainsnak":{"property":"P1082","snaktype":"value","datavalue":%s}}]}},'
)
MALFORMED = {
    "no property": '{"type":"item","id":"Q7","claims":{"P190":[{"mainsnak":{}}]}},',
    "cut": '{"type":"item","id":"Q7","claims":{"P190":[',
    "claims that are a text": '{"type":"item","id":"Q7","claims":"P190","x":{"P190":1}},',
    "a number that is none": _POPULATION
    % '{"type":"quantity","value":{"amount":"+1","upperBound":"x","lowerBound":"0"}}',
    "a beginning that is lost": 'pe":"item","id":"Q7","claims":{"P190":[]}},',
    "an id that is none": '{"type":"item","id":"seven","claims":{"P190":[]}},',
}  # fmt: skip


@pytest.mark.parametrize("fault", MALFORMED)
def test_item_that_is_malformed_is_left_out_and_reported(tmp_path: Path, expected: bytes, fault: str) -> None:
    """(13.19) With its line number; all other items are imported."""
    lines = DUMP.read_text().splitlines()
    dump = tmp_path / "bad.json"
    dump.write_text("\n".join([*lines[:5], MALFORMED[fault], *lines[5:]]) + "\n")
    workers = 2 if fault == "cut" else 1
    written = imported(dump, tmp_path / "out", workers)
    assert written.path.read_bytes() == expected
    (told,) = (notice.detail for notice in written.notices if notice.kind == "not-an-item")
    assert told.startswith(f"line 6: not an item, and left out: {MALFORMED[fault][:40]}")


def test_value_that_is_bad_is_reported(tmp_path: Path) -> None:
    """(13.19) Wikibase's own mark of a value that it cannot read: the item stays, the statement is reported."""
    bad = '{"type":"bad","error":"Out of range","value":{"amount":"+x"}}'
    dump = tmp_path / "bad.json"
    twinned = '"P190":[{"id":"Q7$2","mainsnak":{"property":"P190","snaktype":"novalue"}}]'
    item = (_POPULATION % bad).replace('"P190":[]', twinned)
    dump.write_text(f"[\n{item}\n]\n")
    written = imported(dump, tmp_path / "out")
    assert ("bad-value", "Q7") in {(notice.kind, notice.qid) for notice in written.notices}


def _entity_data(items: list[Any]) -> str:
    return json.dumps({"entities": {item["id"]: item for item in items}})


FORMS: dict[str, Callable[[list[Any]], str]] = {
    "EntityData": _entity_data,
    "wbgetentities": lambda items: json.dumps({"success": 1, **json.loads(_entity_data(items))}),
    "indented EntityData": lambda items: json.dumps(json.loads(_entity_data(items)), indent=1),
    "indented list": lambda items: json.dumps(items, indent=2),
    "list on one line": json.dumps,
    "lines without a list": lambda items: "\n".join(map(json.dumps, items)) + "\n",
    "byte order mark": lambda items: "\ufeff[\n" + ",\n".join(map(json.dumps, items)) + "\n]\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_items_is_read(tmp_path: Path, expected: bytes, form: str) -> None:
    """(13.19, 13.5) What Wikidata's interfaces answer and people reformat gives the same as the dump."""
    dump = tmp_path / ("dump.ndjson" if form == "lines without a list" else "dump.json")
    dump.write_text(FORMS[form]([json.loads(line.rstrip(",")) for line in DUMP.read_text().splitlines()[1:-1]]))
    assert imported(dump, tmp_path / "got").path.read_bytes() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[\n]\n", "empty.json: 0 places"),
        ('{"entities": {}}', "empty.json: 0 places"),
        ('[\n{"type":"item","id":"Q1","claims":{"P190":[{"mainsnak":{}}]}}\n]\n', r"0 places .*\nline 2: not an item"),
        ('{"entities": {"Q1": {"type": "item"', "cannot be read, perhaps because it is cut"),
        ('{"type":"item","id":"Q1"}\n{"type":"ite', "the dump is cut"),
        ("<html>", "the dump is cut, or is not JSON"),
    ],
)
def test_nothing_to_import_keeps_the_old_source(tmp_path: Path, text: str, message: str) -> None:
    """(13.19) A dump without twinned places, or a file that is none, is an error: the source is not written."""
    source = tmp_path / "out" / "wikidata.nq"
    source.parent.mkdir()
    source.write_text("old\n")
    dump = tmp_path / "empty.json"
    dump.write_text(text)
    with pytest.raises(BadData, match=message):
        imported(dump, tmp_path / "out")
    assert [path.name for path in source.parent.iterdir()] == ["wikidata.nq"]
    assert source.read_text() == "old\n"


def test_files_that_are_no_dumps_are_refused(tmp_path: Path) -> None:
    """A missing file, another ending, a digest that nobody can make."""
    with pytest.raises(UsageError, match="no such file"):
        imported(tmp_path / "none.json", tmp_path)
    with pytest.raises(UsageError, match="is a folder"):
        imported(tmp_path, tmp_path)
    (tmp_path / "dump.xml").write_text("")
    with pytest.raises(UsageError, match=r"\.json\.zst"):
        imported(tmp_path / "dump.xml", tmp_path)
    with pytest.raises(UsageError, match="SHA-256"):
        digest_of("hdfs://cluster/dump.json.bz2")


def test_real_extracts_are_read(realdata: Path, tmp_path: Path) -> None:
    """(13.19) A dump extract of 2015 has nobody's partners, and every line of it can be read."""
    for name in ("wdtk-sample-dump-20150815.json.gz", "wdtk-mock-dump-101-entities.json"):
        with pytest.raises(BadData, match=r"0 places with a sister city \(P190\): no source is written$"):
            imported(realdata / "wikidata-fixtures" / name, tmp_path / name)


def test_the_twinnings_of_2016(edges: list[tuple[str, str]], names: dict[str, str], tmp_path: Path) -> None:
    """34,182 statements between 10,055 places are 17,401 agreements, each place with its own IRI."""
    dump = tmp_path / "2016.json"
    partners: dict[str, list[str]] = {}
    for subject, value in edges:
        partners.setdefault(subject, []).append(value)
    with dump.open("w", encoding="utf-8") as file:
        file.write("[\n")
        file.writelines(_line(qid, name, partners.get(qid, [])) for qid, name in names.items())
        file.write("]\n")
    text = imported(dump, tmp_path).path.read_text(encoding="utf-8")
    assert text.count("ontology#SisterCityAgreement>") == 17_401
    assert text.count("ontology#WikidataStatement>") == 34_182
    assert text.count("owl#sameAs>") == 10_055
    places = {line.split(" ", 1)[0] for line in text.splitlines() if "owl#sameAs>" in line}
    assert len(places) == 10_055


def _line(qid: str, name: str, partners: list[str]) -> str:
    claims = [
        {"id": f"{qid}$0000-{n}", "rank": "normal", "mainsnak": {
            "snaktype": "value", "property": "P190",
            "datavalue": {"type": "wikibase-entityid", "value": {"numeric-id": int(partner[1:])}}}}
        for n, partner in enumerate(partners)
    ]  # fmt: skip
    entity: dict[str, Any] = {"type": "item", "id": qid, "labels": {"de": {"language": "de", "value": name}},
                              "claims": {"P190": claims} if claims else []}  # fmt: skip
    return json.dumps(entity) + ",\n"


_MEASURED = """
import sys
from pathlib import Path
from citygraph.wikidata.dump import LocalEngine, import_dump
import_dump(sys.argv[1], list, Path(sys.argv[2]), retrieved="2026-11-20T00:00:00Z", engine=LocalEngine(1))
# Not ru_maxrss: that begins with the peak of the process that started this one.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    """A dump of sixteen times the size takes the same memory, within 4 MB."""
    lines = DUMP.read_text(encoding="utf-8").splitlines()
    filler = (
        '{"type":"item","id":"Q%d","labels":{"en":{"language":"en","value":"x"}},"claims":{},"y":"' + "z" * 2000 + '"},'
    )
    peaks = []
    for size in (1_000, 16_000):
        dump = tmp_path / f"{size}.json"
        with dump.open("w", encoding="utf-8") as file:
            file.writelines(
                f"{line}\n" for line in ["[", *(filler % (10_000_000 + n) for n in range(size)), *lines[1:]]
            )
        command = [sys.executable, "-c", _MEASURED, str(dump), str(tmp_path)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert peaks[1] - peaks[0] < 4096
