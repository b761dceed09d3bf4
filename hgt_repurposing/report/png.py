"""Plots as PNG."""

import io
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def to_png(draw: Callable[[Axes], Axes], *, width: float = 6.4, height: float = 4.0, dpi: int = 120) -> bytes:
    """Render a plot as PNG; the same plot gives the same bytes.

    Args:
        draw: Draws on the Axes it is given, such as `lambda ax: plot_degrees(graph, ax=ax)`.
        width: In inches.
        height: In inches.
        dpi: Pixels per inch.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    draw(figure.add_subplot())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})  # else matplotlib writes its version
    return buffer.getvalue()
