"""Elements of SVG: everything that is put into one is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture is, for those who cannot see it: a title, a description, and their language (BCP 47, or "")."""

    title: str
    description: str
    language: str = ""


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """An element. An attribute's name may end in an underscore, and has hyphens for underscores; None leaves it out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_said(value))}"'
        for key, value in attributes.items()
        if value is not None and value != ""
    )
    inner = "".join(str(escape(part)) for part in content)
    return Markup(f"<{tag}{given}>{inner}</{tag}>" if inner else f"<{tag}{given}/>")  # noqa: S704 - escaped above


def picture(name: str, kind: str, caption: Caption, box: tuple[float, float, float, float], content: Iterable[Markup],
            role: str = "img") -> Markup:  # fmt: skip
    """The whole picture: `box` is left, top, width and height of the drawing, in its own units.

    `role` is "group" for a picture with links in it, whose parts must stay reachable.
    """
    title, description = f"{name}-title", f"{name}-desc"
    return element(
        "svg",
        element("title", caption.title, id=title),
        element("desc", caption.description, id=description),
        *content,
        class_=f"picture {kind}", role=role, lang=caption.language, viewBox=" ".join(map(number, box)),
        aria_labelledby=title, aria_describedby=description,
    )  # fmt: skip


def linked(href: str, label: str, *content: Markup, language: str = "", **attributes: object) -> Markup:
    """Content that leads somewhere, with a name for those who reach it by keyboard or see it by ear; or just named."""
    named = (element("title", label, lang=language), *content)
    return element("a" if href else "g", *named, href=href, **attributes)


def number(value: float) -> str:
    """A number as short as a tenth of a unit allows."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0", 1) if abs(value) < 0.05 else _short(value)


def path(points: Iterable[tuple[float, float]], closed: bool = False) -> str:
    """The `d` of a line through points."""
    d = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f"M{d}{'Z' if closed else ''}" if d else ""


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _said(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
