"""Numbers and names as people read them."""

import math


def shown(value: float | None, form: str = ".3f") -> str:
    """A number; a dash where there is none."""
    return "-" if value is None or math.isnan(value) else format(value, form)


def percent(probability: float) -> str:
    """A probability with the digits that it deserves; a dash where there is none.

    Never 0 % or 100 %: a model is not that sure of anything.
    """
    if math.isnan(probability):
        return "-"
    if probability < 0.001:
        return "< 0.1 %"
    if probability > 0.99:
        return "> 99 %"
    return f"{probability:.1%}".replace("%", " %") if probability < 0.1 else f"{100 * probability:.0f} %"


def one_line(text: str, limit: int) -> str:
    """One printable line of at most that many characters: names are data of others."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= limit else line[: limit - 1] + "…"
