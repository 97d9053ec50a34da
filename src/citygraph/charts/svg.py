"""SVG elements. All content is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Caption:
    """The text alternative of a picture: title, description and their language (BCP 47, or "")."""

    title: str
    description: str
    language: str = ""


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """Returns an element. Underscores in attribute names become hyphens, except a trailing one, which is removed.

    Attributes with the value None or "" are left out.
    """
    attribute_text = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_attribute(value))}"'
        for key, value in attributes.items()
        if value is not None and value != ""
    )
    inner = "".join(str(escape(part)) for part in content)
    return Markup(f"<{tag}{attribute_text}>{inner}</{tag}>" if inner else f"<{tag}{attribute_text}/>")  # noqa: S704 - escaped above


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
    short = f"{value:.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def path(points: Iterable[tuple[float, float]], closed: bool = False) -> str:
    """Returns the `d` attribute of a line through points."""
    d = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f"M{d}{'Z' if closed else ''}" if d else ""


def _attribute(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def sample(state: str, age: int) -> Markup:
    """Returns a line of the legend, as the map draws it, for a state of a tie and an age of 0 to 3.

    The state is "signed", "act", "begun" or "undated". It is hidden from screen readers, because text follows.
    """
    line = element("g", element("path", class_="ray", d="M1 5L27 5"), class_=f"tie {state} age-{age}")
    return element("svg", line, class_="picture sample", viewBox="0 0 28 10", aria_hidden="true", focusable="false")
