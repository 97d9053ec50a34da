"""What the scripts of the workbench say, handed over in the language of the reader."""

from __future__ import annotations

from citygraph.web.pages.words import N_, Words

_SAID: dict[str, str] = {
    "editor": N_("SPARQL query"),
    "running": N_("running …"),
    "seconds": N_("{number} s"),
    "milliseconds": N_("{number} ms"),
    "fromCache": N_("kept from before"),
    "complete": N_("complete"),
    "release": N_("release {id}"),
    "cancelled": N_("Cancelled after {seconds} s. The server has ended the query."),
    "left": N_("Cancelled after {seconds} s. The query had not begun, or was at its end."),
    "atLine": N_("Line {line}, column {column}"),
    "unreachable": N_("The server did not answer: {reason}"),
    "yes": N_("Yes"),
    "no": N_("No"),
    "nothing": N_("The query ran, and nothing matches it."),
    "more": N_("Show more"),
    "shownOf": N_("{shown} of {all} rows are shown"),
    "view_table": N_("Table"),
    "view_map": N_("Map"),
    "view_timeline": N_("Time axis"),
    "view_network": N_("Network"),
    "view_chart": N_("Chart"),
    "view_raw": N_("Raw"),
    "views": N_("How the result is shown"),
    "no_map": N_(
        "There is nothing to draw on a map: give columns for latitude and longitude (lat, lon), or name places."
    ),
    "no_timeline": N_("There is nothing to draw on a time axis: give a column of dates."),
    "no_network": N_("There is nothing to draw as a network: give two columns of things, or CONSTRUCT a graph."),
    "no_chart": N_("There is nothing to draw as a chart: give a column of numbers."),
    "mapTitle": N_("Map of {count} places around {name}"),
    "mapTitleAlone": N_("Map of {count} places"),
    "mapAbout": N_(
        "Directions are true from the middle; distance grows by its square root. Rings stand at {rings} km."
    ),
    "kilometres": N_("{number} km"),
    "timelineTitle": N_("Time axis of {count} rows from {first} to {last}"),
    "timelineAbout": N_("Each row is a line; a month or a year is as wide as it is long."),
    "networkTitle": N_("Network of {count} things"),
    "networkAbout": N_("Lines join what stands in one row of the result."),
    "chartTitle": N_("Chart of {column}"),
    "chartAbout": N_("The same figures stand in the table."),
    "cut": N_("The first {shown} of {all} are drawn."),
    "by": N_("Column"),
    "copy": N_("Copy"),
    "copied": N_("Copied"),
    "sharedLive": N_("Address of this query, answered from the newest release"),
    "sharedPinned": N_("Address of this query, answered from this release for ever"),
    "code": N_("Code"),
    "share": N_("Share the query"),
    "kind_prefix": N_("prefix"),
    "kind_class": N_("class"),
    "kind_property": N_("property"),
    "kind_variable": N_("variable"),
    "kind_keyword": N_("keyword"),
    "kind_city": N_("city"),
    "kind_country": N_("country"),
    "kind_area": N_("administrative area"),
    "kind_organisation": N_("organisation"),
    "kind_person": N_("person"),
    "kind_post": N_("office"),
    "kind_agreement": N_("agreement"),
    "kind_event": N_("event"),
    "expected": N_("The query breaks off or is wrong here"),
    "download": N_("Take the result as"),
}


def script_words(words: Words) -> dict[str, str | list[str]]:
    """The texts by their keys; of one that counts, the forms for one and for many. Braces stay for the script."""
    said: dict[str, str | list[str]] = {key: words(text) for key, text in _SAID.items()}
    forms = (1, 2)
    said["rows"] = [words.count("{number} row", "{number} rows", form, number="{number}") for form in forms]
    said["triples"] = [words.count("{number} triple", "{number} triples", form, number="{number}") for form in forms]
    return said
