"""The key of a map: a short line as the map draws it."""

from __future__ import annotations

from markupsafe import Markup

from citygraph.pictures.svg import element


def sample(state: str, age: int) -> Markup:
    """A line of a standing ("signed", "act", "undated") and an age of 0 to 3. For the eye alone: words stand beside."""
    line = element("g", element("path", class_="ray", d="M1 5L27 5"), class_=f"tie {state} age-{age}")
    return element("svg", line, class_="picture sample", viewBox="0 0 28 10", aria_hidden="true", focusable="false")
