"""SVG elements. All content is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from markupsafe import Markup

from citygraph.text import escaped, trusted


class Caption(NamedTuple):
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
    return trusted("".join(parts))


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
    lang = f' lang="{escaped(caption.language)}"' if caption.language else ""
    start = (
        f'<svg class="picture {kind}" role="{role}"{lang} viewBox="{" ".join(map(number, box))}" '
        f'aria-labelledby="{title}" aria-describedby="{description}">'
    )
    texts = f'<title id="{title}">{escaped(caption.title)}</title>'
    texts += f'<desc id="{description}">{escaped(caption.description)}</desc>'
    return trusted(f"{start}{texts}{''.join(content)}</svg>")


def linked(
    href: str, name: str, *content: Markup, language: str = "", class_: str = "", data_n: int | None = None
) -> Markup:
    """Returns content as a link with an accessible name, or as a named group if `href` is empty."""
    # A title element is the accessible name of a group or link in SVG.
    lang = f' lang="{escaped(language)}"' if language else ""
    tag = "a" if href else "g"
    start = f'<a href="{escaped(href)}"' if href else "<g"
    start += f' class="{class_}"' if class_ else ""
    start += f' data-n="{data_n}"' if data_n is not None else ""
    return trusted(f"{start}><title{lang}>{escaped(name)}</title>{''.join(content)}</{tag}>")


# The shapes of which a page has dozens: written in one piece, because `element` takes three times as long.
# Their texts are escaped, and their numbers need no escapes.


def line(kind: str, start: tuple[float, float], *points: tuple[float, float]) -> Markup:
    """Returns a path of a class through points."""
    return trusted(f'<path class="{kind}" d="{path((start, *points))}"/>')


def box(kind: str, left: float, top: float, width: float, height: float) -> Markup:
    """Returns a rectangle of a class."""
    at = short(f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"')
    return trusted(f'<rect class="{kind}" {at}/>')


def circle(kind: str, x: float, y: float, radius: float) -> Markup:
    """Returns a circle of a class."""
    at = short(f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"')
    return trusted(f'<circle class="{kind}" {at}/>')


def centred(kind: str, radius: float) -> Markup:
    """Returns a circle of a class around the origin."""
    return trusted(f'<circle class="{kind}" r="{number(radius)}"/>')


def label(kind: str, x: float, y: float, text: str, language: str = "", anchor: str = "") -> Markup:
    """Returns a text of a class, of which the anchor ("start", "middle" or "end") is at a point."""
    lang = f' lang="{escaped(language)}"' if language else ""
    at = short(f'x="{x:.1f}" y="{y:.1f}"')
    anchored = f' text-anchor="{anchor}"' if anchor else ""
    start = f'<text class="{kind}" {at}{lang}{anchored}'
    return trusted(f"{start}>{escaped(text)}</text>" if text else f"{start}/>")


def number(value: float) -> str:
    """Returns a number with at most one decimal."""
    return short(f"{value:.1f}")


def short(numbers: str) -> str:
    """Returns a text with numbers of one decimal, without decimals that are zero and without the sign of zero."""
    return numbers.replace("-0.0", "0").replace(".0", "")


def path(points: Sequence[tuple[float, float]], closed: bool = False) -> str:
    """Returns the `d` attribute of a line through points."""
    d = "L".join(["%.1f %.1f"] * len(points)) % tuple(chain.from_iterable(points))
    return f"M{short(d)}{'Z' if closed else ''}" if d else ""


def outlines(rings: Iterable[Sequence[tuple[float, float]]]) -> str:
    """Returns the `d` attribute of closed lines through thousands of points."""
    # One format for a ring, because a call for each number takes twice as long.
    return "".join([f"M{'L'.join(['%.1f %.1f'] * len(ring))}Z" % tuple(chain.from_iterable(ring)) for ring in rings])


def sample(state: str, age: int) -> Markup:
    """Returns a line of the legend, as the map draws it, for a state of a tie and an age of 0 to 3.

    The state is "signed", "act", "begun" or "undated". It is hidden from screen readers, because text follows.
    """
    line = element("g", element("path", class_="ray", d="M1 5L27 5"), class_=f"tie {state} age-{age}")
    return element("svg", line, class_="picture sample", viewBox="0 0 28 10", aria_hidden="true", focusable="false")
