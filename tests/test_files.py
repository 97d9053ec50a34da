"""The files that people edit."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from citygraph.errors import BadData, UsageError
from citygraph.settings import Settings
from citygraph.source.files import Sources, extra_files, query_folders_of, require_folders, sources_of
from tests.commands import run

TRIG = """@prefix a: <http://a/> .
GRAPH a:g {
  a:s a:p "one" ;
      a:q "01"^^<http://www.w3.org/2001/XMLSchema#integer> ,
          "İ" .
}
"""


def sources(tmp_path: Path, **files: str) -> Sources:
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Sources(tmp_path / "data", tmp_path / "ontology")


def test_each_statement_knows_its_line(tmp_path: Path) -> None:
    """The line of a statement is the one on which it ends."""
    (file,) = sources(tmp_path, data__x_trig=TRIG).data_files()
    assert [(line, quad.predicate.value[-1]) for line, quad in file.read_with_lines()] == [(3, "p"), (4, "q"), (5, "q")]


def test_linked_files_and_folders_are_read(tmp_path: Path) -> None:
    """Once, also if a link leads back to the folder that it is in; a lock that an editor has left is none."""
    found = sources(tmp_path, data__x_trig=TRIG, elsewhere__y_trig=TRIG, z_trig=TRIG)
    (tmp_path / "data" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "z.trig").symlink_to(tmp_path / "z.trig")
    (tmp_path / "data" / "again").symlink_to(tmp_path / "data")
    (tmp_path / "data" / ".#x.trig").symlink_to("ada@host.1234")
    assert [file.name for file in found.data_files()] == ["data/linked/y.trig", "data/x.trig", "data/z.trig"]


@pytest.mark.parametrize("name", ["data/x.trig", "ontology/own.ttl", "ontology/shapes/own.ttl", "ontology/rules/a.rq"])
def test_a_link_to_nothing_is_an_error(name: str, tmp_path: Path) -> None:
    """A release would lack its statements, shapes or rules unnoticed."""
    found = sources(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    lists = (found.data_files, found.ontology_files, found.shape_files, found.rule_files)
    with pytest.raises(BadData, match=f"{name}: it links to a file that does not exist"):
        [files() for files in lists]


def test_a_link_to_no_folder_is_an_error(tmp_path: Path) -> None:
    """As of a disk that is not mounted. Links of other names, such as to a document, are none of ours."""
    found = sources(tmp_path, data__x_trig=TRIG)
    (tmp_path / "data" / "notes.pdf").symlink_to(tmp_path / "nowhere")
    assert [file.name for file in found.data_files()] == ["data/x.trig"]
    (tmp_path / "data" / "sources").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadData, match="data/sources: it links to a folder that does not exist"):
        found.data_files()


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release would lack its files unnoticed."""
    found = sources(tmp_path, data__x_trig=TRIG, data__closed__y_trig=TRIG)
    scandir = os.scandir

    def closed(path: Path) -> Iterator[os.DirEntry[str]]:
        if path.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(PermissionError, match="data/closed"):
        found.data_files()


def test_literals_are_read_as_they_stand(tmp_path: Path) -> None:
    """A file's "01" stays "01": shapes see what a person wrote."""
    (file,) = sources(tmp_path, data__x_trig=TRIG).data_files()
    assert '"01"^^<http://www.w3.org/2001/XMLSchema#integer>' in {str(quad.object) for quad in file.read()}


def test_a_broken_file_is_told_with_line_and_column(tmp_path: Path) -> None:
    """A file that does not parse names itself, the line and the column."""
    (file,) = sources(tmp_path, data__x_trig="@prefix a: <http://a/> .\nGRAPH a:g { a:s a:p ! }\n").data_files()
    with pytest.raises(BadData, match=r"data/x\.trig:2:"):
        list(file.read())


def test_bytes_that_are_not_utf_8_are_told(tmp_path: Path) -> None:
    """A file in another encoding is refused, and named."""
    found = sources(tmp_path, data__x_trig="")
    (tmp_path / "data" / "x.trig").write_bytes('<http://a> <http://b> "ş" .'.encode("iso-8859-9"))
    with pytest.raises(BadData, match=r"data/x\.trig"):
        list(found.data_files()[0].read())


def test_a_statement_without_a_source_is_refused(tmp_path: Path) -> None:
    """In data/ every statement belongs to a graph; only the catalog is plain Turtle."""
    files = sources(tmp_path, data__x_ttl="<http://a> <http://b> <http://c> .", data__catalog_ttl="").data_files()
    with pytest.raises(BadData, match="belongs to a source"):
        [list(file.read()) for file in files]


def test_empty_folders_are_told(tmp_path: Path) -> None:
    """A build in the wrong folder says which folder is empty."""
    with pytest.raises(UsageError, match="ontology"):
        sources(tmp_path, data__x_trig=TRIG).all_files()


def test_the_fingerprint_follows_content_not_time(tmp_path: Path) -> None:
    """Touching a file changes nothing; editing it, or another version of the software, does."""
    found = sources(tmp_path, data__x_trig=TRIG, ontology__o_ttl="", ontology__shapes__s_ttl="")
    before = found.fingerprint("1")
    (tmp_path / "data" / "x.trig").touch()
    assert found.fingerprint("1") == before
    assert found.fingerprint("2") != before
    (tmp_path / "data" / "x.trig").write_text(TRIG + "\n")
    assert found.fingerprint("1") != before


def test_an_extra_file_must_exist_and_be_rdf(tmp_path: Path) -> None:
    """A missing file, or an ending of not an RDF format, is told before anything is done."""
    with pytest.raises(UsageError, match="no such file"):
        extra_files([tmp_path / "none.ttl"])
    (tmp_path / "a.docx").touch()
    with pytest.raises(UsageError, match="not an RDF format"):
        extra_files([tmp_path / "a.docx"])


UNPORTABLE = {
    '<<( <http://a> <http://b> "c" )>>': "is a triple",
    '"x"@he--rtl': "base direction",
    '"İ\\u000Bı"@tr': "U\\+000B",
}


@pytest.mark.parametrize("iri", ["http://example.org/123", "urn:1", "http://example.org/", "http://example.org/a(b)"])
def test_property_without_a_name_at_its_end_is_refused(tmp_path: Path, iri: str) -> None:
    """RDF/XML, in which every document is to be had, has no way to write it."""
    (file,) = sources(tmp_path, data__x_trig=f'GRAPH <http://g> {{ <http://a> <{iri}> "x" }}').data_files()
    with pytest.raises(BadData, match="does not end with a name"):
        list(file.read())


@pytest.mark.parametrize("iri", ["http://example.org/P31", "http://www.w3.org/1999/02/22-rdf-syntax-ns#_1", "urn:x:ş"])
def test_property_with_a_name_at_its_end_is_read(tmp_path: Path, iri: str) -> None:
    """With a letter or underscore somewhere near its end, of whatever alphabet."""
    (file,) = sources(tmp_path, data__x_trig=f'GRAPH <http://g> {{ <http://a> <{iri}> "x" }}').data_files()
    assert len(list(file.read())) == 1


@pytest.mark.parametrize("value", UNPORTABLE)
def test_what_not_every_form_can_carry_is_refused(tmp_path: Path, value: str) -> None:
    """The file, the subject and the reason are told: no shape could judge it, or no RDF/XML could say it."""
    (file,) = sources(tmp_path, data__x_trig=f"GRAPH <http://g> {{ <http://a> <http://b> {value} }}").data_files()
    with pytest.raises(BadData, match=rf"data/x\.trig:1: .*<http://a> .*{UNPORTABLE[value]}"):
        list(file.read())


@pytest.mark.parametrize("name", ["data", "ontology", "queries"])
def test_a_folder_that_a_setting_names_must_exist(tmp_path: Path, name: str) -> None:
    """A misspelt name would otherwise mean no files at all."""
    missing = tmp_path / "none"
    settings = Settings().with_changes(**{name: missing})
    with pytest.raises(UsageError, match=f"the setting {name} is '{missing}': it must be a folder that exists"):
        require_folders(settings, "data", "ontology", "queries")


def test_a_server_continues_without_a_folder_of_queries_that_was_removed(tmp_path: Path) -> None:
    """Its clients have not set the folder, so that an error of usage would not be theirs."""
    own = tmp_path / "own"
    own.mkdir()
    settings = Settings().with_changes(ontology=tmp_path, queries=own)
    packaged, *rest = query_folders_of(settings)
    assert rest == [own]
    own.rmdir()
    assert query_folders_of(settings) == (packaged,)


def test_folders_of_the_usual_names_are_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance may have no vocabulary and no queries of its own."""
    monkeypatch.chdir(tmp_path)
    require_folders(Settings(), "data", "ontology", "queries")
    found = sources_of(Settings())
    assert (found.own_ontology, found.own_queries) == (None, None)


@pytest.mark.parametrize("command", ["build", "validate", "serve"])
def test_a_command_names_the_setting_of_a_missing_folder(tmp_path: Path, command: str) -> None:
    """With one line, and before anything is built or served."""
    missing = tmp_path / "none"
    port = {"CITYGRAPH_PORT": "0", "CITYGRAPH_DATA": str(missing)}
    done = run(command, releases=tmp_path / "releases", environment=port)
    expected = f"citygraph: the setting data is '{missing}': it must be a folder that exists\n"
    assert (done.returncode, done.stderr) == (2, expected)
    assert not (tmp_path / "releases").exists()
