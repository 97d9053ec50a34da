"""The instance: what makes this publisher one city's own, read from `citygraph.toml` once a process."""

from __future__ import annotations

import logging
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from citygraph.instance_file import UPGRADES, Upgrade, upgraded
from citygraph.saving import replace_text
from citygraph.text import language_problem

log = logging.getLogger(__name__)

FILE = "citygraph.toml"
VERSION = len(UPGRADES) + 1
# The vocabulary, its shapes and concept schemes have these IRIs in every instance.
VOCABULARY = "https://w3id.org/citygraph/"
# Ontology and stored queries: in the wheel below the package, in a checkout at the top.
_PACKAGED = Path(__file__).parent / "packaged"
# Not named: decided by the data.
AUTO = "auto"
# Hosts reserved for examples (RFC 2606), and those of every machine itself.
_PLACEHOLDERS = ("example.org", "example.com", "example.net", "localhost")
_EXAMPLES = ("agreement", "event", "person")
_BASE = re.compile(r"https?://[^\s/?#<>\"{}|\\^`@]+(?:/[^\s?#<>\"{}|\\^`]*)?")
_ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
# As RDF 1.1 writes them; the language is in small letters, as all texts of the graph have it.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_PATH = re.compile(r"[a-z-]+/[^\s/:?#][^\s:?#]*")
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
# Licences by IRI: their names, and their identifiers in the list of SPDX.
_LICENCES = {
    CC0: ("CC0 1.0", "CC0-1.0"),
    "https://creativecommons.org/licenses/by/4.0/": ("CC BY 4.0", "CC-BY-4.0"),
    "https://creativecommons.org/licenses/by-sa/4.0/": ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
    "https://opendatacommons.org/licenses/odbl/1-0/": ("ODbL 1.0", "ODbL-1.0"),
    "https://opendatacommons.org/licenses/pddl/1-0/": ("PDDL 1.0", "PDDL-1.0"),
    "https://www.govdata.de/dl-de/by-2-0": ("dl-de/by-2-0", "DL-DE-BY-2.0"),
    "https://www.govdata.de/dl-de/zero-2-0": ("dl-de/zero-2-0", "DL-DE-ZERO-2.0"),
}


class InstanceError(Exception):
    """Invalid settings of an instance."""


@dataclass(frozen=True)
class Publisher:
    """The body that publishes an instance, as its pages name it."""

    name: str = ""
    address: str = ""
    contact: str = ""  # an e-mail or web address
    notice: str = ""  # the address of the legal notice

    @property
    def contact_link(self) -> str:
        """The contact as the address of a link."""
        is_mail = "@" in self.contact and ":" not in self.contact
        return f"mailto:{self.contact}" if is_mail else self.contact


@dataclass(frozen=True)
class Instance:
    """One city's own settings; texts map languages to sentences.

    The first of `languages` is required on every label, the others are recommended. `home` is the path of the home
    place, such as city/izmir; `auto` is the place with the most ties. `examples` are the paths of an agreement, an
    event and a person that example queries are about; without one it is that with the most links. Addresses under
    `former_bases` redirect. `server` holds operational settings by name.
    """

    version: int = VERSION
    base: str = VOCABULARY
    former_bases: tuple[str, ...] = ()
    title: Mapping[str, str] = field(default_factory=lambda: {"en": "citygraph"})
    tagline: Mapping[str, str] = field(default_factory=dict)
    home: str = AUTO
    languages: tuple[str, ...] = ("en", "tr")
    publisher: Publisher = Publisher()
    licence: str = CC0
    timezone: str = "UTC"
    examples: Mapping[str, str] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)

    def title_in(self, language: str) -> str:
        """Returns the title in a language, else in the first language of the instance that has one."""
        return next((self.title[tag] for tag in (language, *self.languages) if tag in self.title), "citygraph")

    def tagline_in(self, language: str) -> str:
        """Returns the tagline in a language, else in the first language of the instance that has one; may be empty."""
        return next((self.tagline[tag] for tag in (language, *self.languages) if tag in self.tagline), "")

    @property
    def second_language(self) -> str:
        """The second language; without one, English or, if that is the first, Turkish."""
        return (*self.languages[1:], "tr" if self.languages[0] == "en" else "en")[0]

    @property
    def is_free(self) -> bool:
        """Whether the licence has no conditions."""
        return self.licence == CC0

    @property
    def licence_name(self) -> str:
        """The usual name of the licence, else its IRI."""
        return _LICENCES[self.licence][0] if self.licence in _LICENCES else self.licence

    @property
    def licence_id(self) -> str:
        """The identifier of the licence in the list of SPDX; "" if it is not in it."""
        return _LICENCES[self.licence][1] if self.licence in _LICENCES else ""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which a day begins."""
        return ZoneInfo(self.timezone)


def parse_instance(text: str, name: str = FILE) -> Instance:
    """Parses the settings of an instance.

    Raises InstanceError, which names the key and, for an unknown one, the nearest.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InstanceError(f"{name} is not valid TOML: {error}") from None
    _require_keys(values, [one.name for one in fields(Instance)], name)
    _require_keys(values.get("publisher", {}), [one.name for one in fields(Publisher)], f"{name} [publisher]")
    _require_keys(values.get("examples", {}), list(_EXAMPLES), f"{name} [examples]")
    _require_types(values, name)
    if values.get("version", VERSION) > VERSION:
        raise InstanceError(f"{name} has version {values['version']}; this citygraph reads versions up to {VERSION}")
    if "publisher" in values:
        values["publisher"] = Publisher(**values["publisher"])
    for name_of_list in ("languages", "former_bases"):
        if name_of_list in values:
            values[name_of_list] = tuple(values[name_of_list])
    instance = Instance(**values)
    _check(instance, name)
    return instance


def packaged_folder(name: str) -> Path:
    """Returns the folder `ontology` or `queries` of the package."""
    return (_PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2]) / name


@cache
def current_instance() -> Instance:
    """Returns the instance of this process: CITYGRAPH_CONFIG, else `citygraph.toml` in the working folder, else none's.

    Raises InstanceError.
    """
    path = Path(os.environ.get("CITYGRAPH_CONFIG") or FILE)
    if not path.is_file():
        if "CITYGRAPH_CONFIG" in os.environ:
            raise InstanceError(f"CITYGRAPH_CONFIG names {path}, which does not exist")
        if os.path.lexists(path):  # a link to nothing, or a folder: without the base, a release would be another one
            raise InstanceError(f"{path} is not a file, or links to one that does not exist")
        return Instance()
    return read_instance(path)


def read_instance(path: Path, upgrades: Sequence[Upgrade] = UPGRADES) -> Instance:
    """Reads the settings of an instance. A file of an older version is replaced by the newest, with its comments.

    Raises InstanceError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InstanceError(f"{path} cannot be read as a text in UTF-8: {error}") from None
    except OSError as error:
        raise InstanceError(f"{path} cannot be read: {error.strerror}") from None
    if _version_of(text) <= len(upgrades):
        text = upgraded(text, upgrades)
        try:
            replace_text(path, text)
        except OSError as error:
            log.warning("%s has an old version, and cannot be replaced: %s", path, error)
    return parse_instance(text, str(path))


def _version_of(text: str) -> int:
    try:
        return int(tomllib.loads(text).get("version", 1))
    except (tomllib.TOMLDecodeError, TypeError, ValueError):
        # `parse_instance` names the fault.
        return VERSION


def is_base(text: str) -> bool:
    """Returns whether identifiers can begin with a text: an address with a host, without query and fragment."""
    try:
        return bool(_BASE.fullmatch(text) and urlsplit(text).hostname)
    except ValueError:
        # Brackets that enclose no address of IPv6.
        return False


def placeholder_problem(base: str) -> str:
    """Returns why a base may not be published, with the remedy; "" if it may."""
    host = urlsplit(base).hostname or ""
    if not host.endswith(_PLACEHOLDERS) and not host.startswith("127.") and host != "::1":
        return ""
    return (
        f"the base {base} is only an example: identifiers with it lead nowhere. Choose a base under a domain of yours, "
        "and run `citygraph rebase https://…/` before you publish"
    )


@cache
def instance_base() -> str:
    """Returns the base IRI of the instance of this process; the environment overrides the file.

    Raises InstanceError.
    """
    base = os.environ.get("CITYGRAPH_BASE") or current_instance().base
    if not base.startswith(("https://", "http://")):
        raise InstanceError(f"CITYGRAPH_BASE is {base!r}: it must begin with https:// (or http://)")
    if not is_base(base):
        raise InstanceError(f"CITYGRAPH_BASE is {base!r}: write an address such as https://data.bremen.example/")
    return base if base.endswith("/") else base + "/"


def _require_keys(values: object, keys: list[str], name: str) -> None:
    if not isinstance(values, dict):
        raise InstanceError(f"{name} must be a table")
    for key in values:
        if key not in keys:
            nearest = get_close_matches(key, keys, 1, 0.5)
            hint = f": did you mean {nearest[0]!r}?" if nearest else f"; the keys are {', '.join(keys)}"
            raise InstanceError(f"{name}: {key!r} is not a key{hint}")


def _require_types(values: Mapping[str, Any], name: str) -> None:
    if not isinstance(values.get("version", VERSION), int):
        raise InstanceError(f"{name}: version must be a whole number, such as {VERSION}")
    for key in ("base", "home", "licence", "timezone"):
        _require_text(values.get(key, "…"), f"{name}: {key}")
    for table in ("publisher", "examples"):
        for key, value in values.get(table, {}).items():
            _require_text(value, f"{name} [{table}]: {key}", may_be_empty=True)
    for key, example in (("languages", '["de", "en"]'), ("former_bases", '["https://data.bremen.example/"]')):
        items = values.get(key, [])
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise InstanceError(f"{name}: {key} must be a list of texts, such as {example}")
    for key in ("title", "tagline"):
        texts = values.get(key, {})
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise InstanceError(f'{name}: {key} must map languages to texts, such as {key} = {{ en = "…" }}')
    if not isinstance(values.get("server", {}), dict):
        raise InstanceError(f"{name}: server must be a table")


def _require_text(value: object, name: str, *, may_be_empty: bool = False) -> None:
    if not isinstance(value, str) or not (value or may_be_empty):
        raise InstanceError(f"{name} must be a text")


def _check(instance: Instance, name: str) -> None:
    if problem := _language_problem(instance):
        raise InstanceError(f"{name}: {problem}")
    if not instance.base.startswith(("https://", "http://")):
        raise InstanceError(f"{name}: base must begin with https:// (or http://)")
    for base in (instance.base, *instance.former_bases):
        if not is_base(base):
            raise InstanceError(f"{name}: {base!r} is not a base, such as https://data.bremen.example/, without ? or #")
    if not _ADDRESS.fullmatch(instance.licence):
        example = "https://creativecommons.org/licenses/by/4.0/"
        raise InstanceError(f"{name}: licence must be the address of the licence, such as {example}")
    for key, path in (
        ("home", instance.home),
        *((f"[examples] {key}", path) for key, path in instance.examples.items()),
    ):
        if path not in (AUTO, "") and not _PATH.fullmatch(path):
            raise InstanceError(f"{name}: {key} must be the path of an identifier, such as city/bremen, not {path!r}")
    if not _is_timezone(instance.timezone):
        raise InstanceError(f"{name}: {instance.timezone!r} is not a time zone, such as Europe/Berlin")


def _language_problem(instance: Instance) -> str:
    if not instance.languages:
        return 'languages must list at least one language, such as ["de", "en"]'
    for key, tags in (("languages", instance.languages), ("title", instance.title), ("tagline", instance.tagline)):
        for tag in tags:
            if not _LANGUAGE.fullmatch(tag):
                return f"{key}: {tag!r} is not a language tag, such as de or de-AT"
            if problem := language_problem(tag):
                return f"{key}: {problem}"
    return next((f"title: the text for {tag} is empty" for tag, text in instance.title.items() if not text.strip()), "")


def _is_timezone(name: str) -> bool:
    # The list of all time zones takes twenty times as long as one of them.
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
