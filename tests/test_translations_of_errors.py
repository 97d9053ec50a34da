"""The texts of errors in every language: each text in the code that a client may get is in the catalogues."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from functools import cache

import pytest
from flask.testing import FlaskClient
from pyoxigraph import Store

from citygraph import errors
from citygraph.catalogues import LANGUAGES, error_texts
from citygraph.rdf.terms import PREFIXES
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.sparql.syntax_errors import syntax_error
from citygraph.web import create_app
from citygraph.web.view.translations import Translations
from tests.conftest import REPOSITORY
from tests.inprocess import InProcess

_PACKAGE = REPOSITORY / "src" / "citygraph"
# What answers requests; errors of other packages are texts of the command line.
_SERVED = ("commit", "engine", "exports", "graph", "index", "release", "sheets", "sparql", "web")
_SERVED_FILES = (
    "source/queries.py",
    "source/query_parameters.py",
    "matching/name_resolution.py",
    "matching/spreadsheet.py",
    "cli/sheets_commands.py",
)
# Texts of the command line in these packages, and frames of other texts, which are not translated alone.
_OTHERS = {
    "commit/tokens.py": (
        "is not a name for a token",
        "there is no right",
        "there is a token",
        "there is no token",
        "is damaged: restore",
    ),
    "sheets/importing.py": ("is damaged: remove",),
    "engine/process.py": ("no server of",),
    # A process of its own writes it to the log of the server.
    "engine/counting_build.py": ("the counting store has",),
    "sheets/limited_reading.py": ("¤ could not be read: ¤",),
    "source/queries.py": ("must be of type", "the head"),
    "source/query_parameters.py": (
        *(
            "a parameter may not be",
            "has no line VALUES",
            "must be of type",
            "has an unknown key",
            "is a choice and needs",
            "¤ is ¤: ¤",
        ),
    ),
    "web/time/result_access.py": ("CITYGRAPH_STORED_RESULTS",),
    "web/http/negotiation.py": ("¤; there are ¤",),
    "release/retention.py": ("keep: ¤",),
    "release/format_version.py": ("was made by citygraph",),
    # The log of a server that follows another one, and its commands.
    "release/receiving.py": ("it is not a release", "its manifest is", "the current release here"),
    "release/disk_room.py": ("the release needs",),
    "release/releases.py": ("is not pinned", "is already published"),
}
_ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
# Functions that make an error of their arguments.
_MAKERS = {"_bad", "_unsupported", "parameters_of"}
_ERRORS |= _MAKERS
TRANSLATED = LANGUAGES[1:]


@cache
def _all_texts() -> list[tuple[str, str]]:
    return sorted(set(_texts()))


def _texts() -> Iterator[tuple[str, str]]:
    """Yields file and text of the errors that are raised in the served packages; ¤ stands for a value."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = path.relative_to(_PACKAGE).as_posix()
        if name.partition("/")[0] in _SERVED or name in _SERVED_FILES:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
                for text in _in_function(function):
                    if not any(part in text for part in _OTHERS.get(name, ())):
                        yield name, text


def _in_function(function: ast.FunctionDef) -> Iterator[str]:
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _name(node.func) in _ERRORS:
            for argument in node.args[: 3 if _name(node.func) in _MAKERS else 1]:
                values = named.get(argument.id, []) if isinstance(argument, ast.Name) else [argument]
                yield from (text for value in values for text in _written(value) if re.search("[a-z] ", text))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _written(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from (*_written(value.body), *_written(value.orelse))
    elif isinstance(value, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "¤" for part in value.values)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_error_is_translated(language: str) -> None:
    """No text of an error that a client may get is missing from a catalogue (13.28)."""
    translations = Translations(language)
    assert len(_all_texts()) > 100
    assert [f"{file}: {text}" for file, text in _all_texts() if translations.error(text) is None] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translated_errors_have_the_same_values(language: str) -> None:
    """A translation has the values of the English text, and all catalogues have the same texts (13.28)."""
    for text, translation in error_texts(language).items():
        assert sorted(re.findall(r"{\d}", text)) == sorted(re.findall(r"{\d}", translation))
    assert error_texts(language).keys() == error_texts(TRANSLATED[0]).keys()


def test_no_catalogue_has_the_text_of_an_error_that_nobody_raises() -> None:
    """The longest part of each text is in the code (13.28)."""
    written = " ".join(
        node.value
        for path in _PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    longest = (max(re.split(r"{\d}|(?<=[;?]) ", text), key=len) for text in error_texts(TRANSLATED[0]))
    assert [part for part in longest if part not in written] == []


@pytest.mark.parametrize(
    ("english", "turkish"),
    [
        ("year is 'x': it must be a whole number", "year değeri 'x': bir tam sayı olmalı"),
        ("partners has no parameter 'x'; it has: none", "partners sorgusunun 'x' parametresi yok; parametreleri: yok"),
        ("invalid UTF-8 at byte 3 of the address (0xFF)", "adres içinde 3. baytta geçersiz UTF-8 (0xFF)"),
        ("'pdf' is not a supported format; there are text/csv", "'pdf' ürettiğimiz bir biçim değil; olanlar: text/csv"),
        ("there is nothing at /a; there are b\nc", "/a; there are b\nc adresinde bir şey yok"),
        ("a.xlsx has 2,000 bytes; at most 1,000 are read", "a.xlsx boyutu 2.000 bayt; en çok 1.000 bayt okunur"),
        ("year is '2,000': it must be a whole number", "year değeri '2,000': bir tam sayı olmalı"),
        ("what a library says is this: nothing", None),
        ("x" * 2000, None),
    ],
)
def test_values_are_found_in_an_error(english: str, turkish: str | None) -> None:
    """Values stay, unless they are texts of errors or numbers; what is not in the catalogue is None (13.28)."""
    assert Translations("tr").error(english) == turkish
    assert Translations("en").error(english) == english


@pytest.mark.parametrize(
    ("query", "turkish"),
    [
        ("SELECT ?c, ?d { ?c ?d ?e }",
         '"," beklenmiyordu; beklenen: "(", FROM, bir değişken, WHERE, "{"'),
        ("SELECT * { ?x cgg:y ?z }",
         "cgg: ön eki bildirilmemiş; cg: mi demek istediniz, yoksa başta PREFIX cgg: <…> mi eksik?"),
        ("SELEC * {}",
         '"SELEC" beklenmiyordu; SELECT mi demek istediniz? Beklenen: ASK, BASE, CONSTRUCT, DESCRIBE, PREFIX, SELECT'),
        ("SELECT (STRLEN(1,2) AS ?x) {}", "STRLEN işlevine burada 2 bağımsız değişken verilmiş; gereken: 1"),
        ("SELECT * { ?x ?y “a” }", "“ karakteri (LEFT DOUBLE QUOTATION MARK) beklenmiyordu; beklenen: "),
        ("SELECT * {", "metnin sonu beklenmiyordu; beklenen: "),
    ],
)  # fmt: skip
def test_syntax_errors_are_translated_with_their_parts(query: str, turkish: str) -> None:
    """What is unexpected and what is expected is said in the language of the reader (13.28)."""
    with pytest.raises(SyntaxError) as engine:
        Store().query(query, prefixes=PREFIXES)
    error = syntax_error(str(engine.value), query)
    place = f"{error.line}. satır, {error.column}. sütunda söz dizimi hatası: "
    assert (Translations("tr").error(str(error)) or "").startswith(place + turkish)


@pytest.fixture(scope="module")
def client(built: tuple[Releases, Release, Report]) -> FlaskClient:
    """A client of the site over the İzmir graph, with engines."""
    releases, release, _ = built
    engines = InProcess(list(release.open_store()), release.id)
    return create_app(Settings(queries=REPOSITORY / "queries"), releases, engines).test_client()


_ERRORS_OF_USERS = [
    ("/nope", 404, "Bulunamadı", "/nope adresinde bir şey yok", "ünvanında heç nə yoxdur"),
    ("/doc/city/atlantis", 404, "Bulunamadı", "hakkında bildirim yok", "haqqında ifadə yoxdur"),
    ("/explore?page=x", 400, "İstek geçersiz", "page 1 veya daha büyük bir tam sayı olmalı", "tam ədəd olmalıdır"),
    ("/queries/anniversaries?year=x", 400, "İstek geçersiz", "year değeri 'x': bir tam sayı olmalı", "tam ədəd"),
    ("/sparql?query=SELEC&run=1", 400, "Sorguda veya güncellemede söz dizimi hatası var", "sütunda söz dizimi hatası",
     "Sintaksis xətası (sətir 1, sütun"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "status", "title", "turkish", "azerbaijani"), _ERRORS_OF_USERS)
def test_an_error_is_in_the_language_of_the_reader(
    client: FlaskClient, address: str, status: int, title: str, turkish: str, azerbaijani: str
) -> None:
    """Title and detail, for a program and in a page, by ?lang= or Accept-Language (13.28)."""
    mark = "&" if "?" in address else "?"
    problem = client.get(f"{address}{mark}lang=tr", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.headers["Content-Language"]) == (status, "tr")
    assert problem.get_json()["title"] == title
    assert turkish in problem.get_json()["detail"]
    preferred = client.get(address, headers={"Accept": "application/json", "Accept-Language": "az"})
    assert preferred.headers["Content-Language"] == "az"
    assert azerbaijani in preferred.get_json()["detail"]
    page = client.get(f"{address}{mark}lang=tr-TR", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Content-Language"]) == (status, "tr")
    assert title in page.text
    assert html.escape(turkish) in page.text.replace("&#39;", "&#x27;")


def test_an_error_is_in_english_by_default(client: FlaskClient) -> None:
    """Without a wish, or with one for a language that we do not have, errors are in English (13.28)."""
    problem = client.get("/nope", headers={"Accept": "application/json", "Accept-Language": "pt"})
    assert problem.headers["Content-Language"] == "en"
    assert problem.get_json()["detail"] == "there is nothing at /nope"


# Texts that a pattern translates rightly, although it has other values than the code.
_COMPOSED = ("syntax error at", "¤ is ¤: it must be one of", "there is nothing at /")


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_error_is_translated_by_the_text_of_another(language: str) -> None:
    """Such as "there is no {1} {2}", which took a half of "there is no encoding 'x'; examples are …" for a name."""
    translations = Translations(language)
    own = {re.sub(r"{\d}", "¤", text) for text in error_texts(language)}
    others = {
        text
        for path in _PACKAGE.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for text in _in_function(function)
        if text not in own and not text.startswith(_COMPOSED)
    }
    assert len(others) > 100
    assert {text: other for text in others if (other := translations.error(text)) is not None} == {}
