"""Plain-text tables for terminals."""

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[tuple[str, ...]], *, right: Collection[int] = ()) -> list[str]:
    """Lines of a table with aligned columns, separated by two spaces.

    Args:
        rows: Cells, header first; all rows of the same length.
        right: Indices of right-aligned columns, such as numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
