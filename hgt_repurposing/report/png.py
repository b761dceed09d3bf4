"""A picture as PNG, from a function that draws onto Axes."""

import io
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def to_png(draw: Callable[[Axes], Axes], *, width: float = 6.4, height: float = 4.0, dpi: int = 120) -> bytes:
    """A picture as PNG; the same picture gives the same bytes.

    Args:
        draw: Draws onto the Axes that it is given, such as `lambda ax: plot_degrees(graph, ax=ax)`.
        width: In inches.
        height: In inches.
        dpi: Pixels per inch.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    draw(figure.add_subplot())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})  # else it names its version
    return buffer.getvalue()
