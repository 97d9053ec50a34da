"""SVG elements. All content is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from citygraph.text import escaped


@dataclass(frozen=True, slots=True)
class Caption:
    """The text alternative of a picture: title, description and their language (BCP 47, or "")."""

    title: str
    description: str
    language: str = ""


def element(tag: str, *content: str | Markup, **attributes: object) -> Markup:
    """Returns an element. Underscores in attribute names become hyphens, except a trailing one, which is removed.

    Attributes with the value None or "" are left out.
    """
    parts = [f"<{tag}"]
    for key, value in attributes.items():
        if type(value) is float:
            parts.append(f'{_ATTRIBUTES[key]}{number(value)}"')
        elif value is not None and value != "":
            parts.append(f'{_ATTRIBUTES[key]}{escaped(value if type(value) is str else str(value))}"')
    inner = "".join([part if type(part) is Markup else escaped(part) for part in content])
    parts.append(f">{inner}</{tag}>" if inner else "/>")
    return Markup("".join(parts))  # noqa: S704 - escaped above


class _Attributes(dict[str, str]):
    """The beginnings of attributes in SVG by their names in Python: a map writes the same few hundreds of times."""

    def __missing__(self, name: str) -> str:
        beginning = self[name] = f' {name.rstrip("_").replace("_", "-")}="'
        return beginning


_ATTRIBUTES = _Attributes()


def picture(
    name: str,
    kind: str,
    caption: Caption,
    box: tuple[float, float, float, float],
    content: Iterable[Markup],
    role: str = "img",
) -> Markup:
    """Returns a whole picture. `box` is left, top, width and height of the drawing in its own units.

    `role` is "group" for a picture with links in it, because assistive technology must reach its parts.
    """
    title, description = f"{name}-title", f"{name}-desc"
    return element(
        "svg",
        element("title", caption.title, id=title),
        element("desc", caption.description, id=description),
        *content,
        class_=f"picture {kind}",
        role=role,
        lang=caption.language,
        viewBox=" ".join(map(number, box)),
        aria_labelledby=title,
        aria_describedby=description,
    )


def linked(href: str, label: str, *content: Markup, language: str = "", **attributes: object) -> Markup:
    """Returns content as a link with an accessible name, or as a named group if `href` is empty."""
    # A title element is the accessible name of a group or link in SVG.
    named = (element("title", label, lang=language), *content)
    return element("a" if href else "g", *named, href=href, **attributes)


def number(value: float) -> str:
    """Returns a number with at most one decimal."""
    short = f"{value:.1f}"
    if short[-1] != "0":
        return short
    return short[:-2] if short != "-0.0" else "0"


def path(points: Iterable[tuple[float, float]], closed: bool = False) -> str:
    """Returns the `d` attribute of a line through points."""
    d = "L".join([f"{number(x)} {number(y)}" for x, y in points])
    return f"M{d}{'Z' if closed else ''}" if d else ""


def sample(state: str, age: int) -> Markup:
    """Returns a line of the legend, as the map draws it, for a state of a tie and an age of 0 to 3.

    The state is "signed", "act", "begun" or "undated". It is hidden from screen readers, because text follows.
    """
    line = element("g", element("path", class_="ray", d="M1 5L27 5"), class_=f"tie {state} age-{age}")
    return element("svg", line, class_="picture sample", viewBox="0 0 28 10", aria_hidden="true", focusable="false")
