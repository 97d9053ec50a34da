"""From SVG to PNG, for those who cannot show SVG: the previews that other sites ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import resvg_py


def png(svg: str, fonts: Sequence[Path] = (), width: int = 1200) -> bytes:
    """A picture as PNG, `width` pixels wide, in these fonts (TTF, OTF) or the system's.

    Raises ValueError for bad SVG.
    """
    made = resvg_py.svg_to_bytes(
        svg_string=svg, width=width, font_files=[str(path) for path in fonts], skip_system_fonts=bool(fonts)
    )
    return bytes(made)


def is_blank(svg: str, fonts: Sequence[Path] = ()) -> bool:
    """Whether nothing is drawn of a picture, such as of a text where there is no font: nobody says a word of that."""
    empty = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"/>'
    return png(svg, fonts, 40) == png(empty, fonts, 40)
