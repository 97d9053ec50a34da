"""Citations as text: the sentence, BibTeX with its letters, CSL-JSON and CITATION.cff."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
import yaml

from citygraph.web.time.citation_forms import FORMS, Citation, as_bibtex, as_cff, as_csl, as_ris, as_text, latex

CITED = Citation(
    "İzmir Büyükşehir Belediyesi & Şişli",
    "citygraph",
    "https://w3id.org/citygraph/releases/2026-01-12T160300Z-3f9a1c0b22d4/doc/city/izmir",
    "2026-01-12T160300Z-3f9a1c0b22d4",
    "3f9a1c0b22d4" + "0" * 52,
    date(2026, 1, 12),
    date(2026, 2, 3),
)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("İ", r"{\.I}"), ("ı", r"{\i}"), ("ş", r"{\c s}"), ("Ş", r"{\c S}"), ("ğ", r"{\u g}"), ("Ğ", r"{\u G}"),
        ("ç", r"{\c c}"), ("ö", r"{\"o}"), ("ü", r"{\"u}"), ("â", r"{\^a}"), ("î", r"{\^{\i}}"),
        ("I\u0307", r"{\.I}"), ("é", r"{\'e}"), ("ß", r"{\ss}"), ("–", "--"), ("50 % & #_{}", r"50 \% \& \#\_\{\}"),
        ("Баку", "Баку"), ("ə", "ə"), ("a\\b~c", r"a{\textbackslash}b{\textasciitilde}c"),
    ],
)  # fmt: skip
def test_letters_are_set_rightly(text: str, command: str) -> None:
    """Turkish letters as commands, which BibTeX and biber both understand; other scripts as they are."""
    assert latex(text) == command


def test_bibtex_protects_capitals_and_has_balanced_braces() -> None:
    """A style that puts titles in lower case must not make an i of İ."""
    entry = as_bibtex(CITED)
    assert r"title = {{{\.I}zmir B{\"u}y{\"u}k{\c s}ehir Belediyesi \& {\c S}i{\c s}li}}" in entry
    assert entry.startswith("@misc{citygraph-izmir-buyuksehir-belediyesi-sisli-2026,")
    assert entry.count("{") == entry.count("}")
    assert "urldate = {2026-02-03}" in entry
    assert entry.isascii()


def test_sentence_names_release_digest_and_access() -> None:
    """In the language of the citation."""
    assert as_text(CITED).startswith("citygraph (2026). İzmir Büyükşehir Belediyesi & Şişli. Release 2026-01-12T")
    assert CITED.digest in as_text(CITED)
    assert "(accessed 2026-02-03)" in as_text(CITED)


def test_csl_is_what_citeproc_reads() -> None:
    """Dates in parts, names as literals."""
    (entry,) = json.loads(as_csl(CITED))
    assert entry["title"] == CITED.title
    assert entry["issued"] == {"date-parts": [[2026, 1, 12]]}
    assert entry["accessed"] == {"date-parts": [[2026, 2, 3]]}
    assert entry["author"] == [{"literal": "citygraph"}]


def test_cff_is_yaml_with_what_the_schema_demands() -> None:
    """Citation File Format 1.2.0."""
    written = yaml.safe_load(as_cff(CITED))
    assert {"cff-version", "message", "title", "authors"} <= set(written)
    assert (written["cff-version"], written["type"], written["date-released"]) == ("1.2.0", "dataset", "2026-01-12")
    assert written["title"] == CITED.title


def test_every_form_ends_with_a_newline() -> None:
    """They are files, too."""
    assert all(write(CITED).endswith("\n") for _, write in FORMS.values())


RESULT = replace(CITED, title="Partners of a city (İzmir)", kind="result", result="7" * 64, rows=31)


def test_result_is_cited_with_its_rows_and_digest() -> None:
    """In the language of the reader; two results of one title have keys of their own (17, Citation)."""
    assert f"Partners of a city (İzmir). 31 rows, SHA-256 {'7' * 64}. Release 2026-01-12T" in as_text(RESULT)
    assert f"31 satır, SHA-256 {'7' * 64}. Sürüm" in as_text(replace(RESULT, language="tr"))
    assert RESULT.key != replace(RESULT, result="8" * 64).key
    for write in (as_bibtex, as_csl, as_ris):
        assert "7" * 64 in write(RESULT)


@pytest.mark.parametrize("cited", [CITED, RESULT], ids=["document", "result"])
def test_bibtex_is_read_by_pybtex(cited: Citation) -> None:
    """Title, author and month as they were, by an independent reader (17, Citation)."""
    database = pytest.importorskip("pybtex.database")
    (entry,) = database.parse_string(as_bibtex(cited), "bibtex").entries.values()
    assert [person.last_names for person in entry.persons["author"]] == [["{citygraph}"]]
    assert (entry.fields["year"], entry.fields["month"], entry.fields["url"]) == ("2026", "January", cited.url)
    richtext = pytest.importorskip("pybtex.richtext")
    assert richtext.Text.from_latex(entry.fields["title"]).render_as("text") == cited.title


@pytest.mark.parametrize("cited", [CITED, RESULT], ids=["document", "result"])
def test_ris_is_read_by_rispy(cited: Citation) -> None:
    """Each field once, dates as RIS has them, by an independent reader (17, Citation)."""
    rispy = pytest.importorskip("rispy")
    (entry,) = rispy.loads(as_ris(cited))
    assert (entry["title"], entry["authors"], entry["year"]) == (cited.title, ["citygraph"], "2026")
    assert (entry["date"], entry["access_date"], entry["urls"]) == ("2026/01/12/", "2026/02/03/", [cited.url])
    assert cited.digest in entry["notes"][0]


def test_csl_is_set_by_citeproc() -> None:
    """With publisher, year and title, by an independent processor (17, Citation)."""
    citeproc, source = pytest.importorskip("citeproc"), pytest.importorskip("citeproc.source.json")
    style = citeproc.CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = citeproc.CitationStylesBibliography(
        style, source.CiteProcJSON(json.loads(as_csl(RESULT))), citeproc.formatter.plain
    )
    bibliography.register(citeproc.Citation([citeproc.CitationItem(RESULT.key)]))
    text = str(bibliography.bibliography()[0])
    assert text.startswith("citygraph")
    assert "2026" in text
    assert "Partners of a city (İzmir)" in text
