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
