"""What the Reconciliation API 0.2 asks of answers, as checks: the rules of its text and of its JSON schemas."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

_DATE = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_SETTINGS = {"number": (int, float), "text": str, "checkbox": bool, "select": str}
_VALUES = {"str": str, "int": int, "float": (int, float), "date": str, "bool": bool}


def check_manifest(manifest: dict[str, Any]) -> None:
    """Sections 3.1 and 4 to 7."""
    assert "0.2" in manifest["versions"]
    assert manifest["name"]
    for space in ("identifierSpace", "schemaSpace", "documentation", "logo"):
        assert _is_address(manifest[space]), space
    assert isinstance(manifest["serviceVersion"], str)
    for view in ("view", "feature_view", "preview"):
        assert _is_address(manifest[view]["url"].replace("{{id}}", "x")), view
        assert "{{id}}" in manifest[view]["url"], view
    assert isinstance(manifest["preview"]["width"], int)
    assert isinstance(manifest["preview"]["height"], int)
    assert manifest["defaultTypes"]
    _check_things(manifest["defaultTypes"])
    for kind in ("entity", "property", "type"):
        service = manifest["suggest"][kind]
        assert _is_address(service["service_url"] + service["service_path"])
        assert "${id}" in service["flyout_service_path"]
    proposals = manifest["extend"]["propose_properties"]
    assert _is_address(proposals["service_url"] + proposals["service_path"])
    for setting in manifest["extend"]["property_settings"]:
        assert setting["name"]
        assert setting["label"]
        assert isinstance(setting["default"], _SETTINGS[setting["type"]])  # type: ignore[arg-type]
        assert (setting["type"] == "select") == ("choices" in setting)
        _check_things(setting.get("choices", []), "value")
    assert manifest["batchSize"] > 0


def check_results(results: dict[str, Any], asked: set[str]) -> None:
    """Section 4.2: every query is answered, the candidates are in order, and features have one value."""
    assert set(results) == asked
    for result in results.values():
        candidates = result["result"]
        scores = [candidate["score"] for candidate in candidates]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 100 for score in scores)
        assert sum(candidate["match"] for candidate in candidates) <= 1
        _check_things(candidates)
        for candidate in candidates:
            assert isinstance(candidate.get("description", ""), str)
            _check_things(candidate["type"])
            ids = [feature["id"] for feature in candidate["features"]]
            assert len(ids) == len(set(ids))
            assert all(isinstance(feature["value"], bool | int | float) for feature in candidate["features"])


def check_suggestions(answer: dict[str, Any]) -> None:
    """Section 6.3."""
    _check_things(answer["result"])
    for one in answer["result"]:
        _check_things(one.get("notable", []))
        assert isinstance(one.get("description", ""), str)


def check_extension(answer: dict[str, Any], ids: list[str], properties: list[str]) -> None:
    """Section 7.4: a cell is an entity or one value, of the type that its only member names."""
    assert [meta["id"] for meta in answer["meta"]] == properties
    _check_things(answer["meta"])
    assert set(answer["rows"]) == set(ids)
    for row in answer["rows"].values():
        assert set(row) == set(properties)
        for cell in (cell for cells in row.values() for cell in cells):
            if "id" in cell:
                assert set(cell) <= {"id", "name", "description"}
                _check_things([cell])
            else:
                ((name, value),) = cell.items()
                assert isinstance(value, _VALUES[name])  # type: ignore[arg-type]
                assert name != "date" or _DATE.fullmatch(value)


def _check_things(things: list[dict[str, Any]], key: str = "id") -> None:
    for thing in things:
        assert isinstance(thing[key], str)
        assert thing[key]
        assert isinstance(thing["name"], str)
        assert thing["name"]


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and " " not in text
