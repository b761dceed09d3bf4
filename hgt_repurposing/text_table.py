"""How a table looks in a terminal."""

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[tuple[str, ...]], *, right: Collection[int] = ()) -> list[str]:
    """Lines with the cells of each column below one another, two spaces between columns.

    Args:
        rows: Cells, the head first; each row as long as the others.
        right: Columns whose cells stand at the right edge, as numbers do.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
