# SPDX-License-Identifier: MIT
"""Pictures as files: what every drawing with matplotlib shares."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from milliwatt.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_SUFFIXES = (".svg", ".png", ".pdf")


def check_picture(suffix: str) -> None:
    """Raise OptionError unless a picture of that suffix can be drawn here."""
    if suffix not in PICTURE_SUFFIXES:
        raise OptionError(f"pictures are {', '.join(PICTURE_SUFFIXES)} files, not '{suffix}'")
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise OptionError(
            "pictures need matplotlib; to install: pip install 'milliwatt[report]'"
        ) from error
    del mpl


def picture(
    suffix: str,
    size_inches: tuple[float, float],
    draw: Callable[[Figure], None],
    *,
    font_points: float = 8,
) -> bytes:
    """What `draw` draws on a figure of that size, as a file; equal drawings give equal bytes.

    Raises OptionError as `check_picture` does.
    """
    check_picture(suffix)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {"svg.hashsalt": "milliwatt", "svg.fonttype": "none", "font.size": font_points}
    undated: dict[str, dict[str, Any]] = {
        ".svg": {"Date": None, "Creator": None},
        ".pdf": {"CreationDate": None},
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=size_inches, layout="constrained")
        draw(figure)
        stream = io.BytesIO()
        figure.savefig(stream, format=suffix[1:], metadata=undated.get(suffix, {}), dpi=120)
    return stream.getvalue()
