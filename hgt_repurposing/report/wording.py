"""Numbers and names as text."""

import math


def shown(value: float | None, form: str = ".3f") -> str:
    """A formatted number; a dash for None or NaN."""
    return "-" if value is None or math.isnan(value) else format(value, form)


def percent(probability: float) -> str:
    """A probability in percent, with the digits it deserves; a dash for NaN.

    Never 0 % or 100 %: no model is that certain.
    """
    if math.isnan(probability):
        return "-"
    if probability < 0.001:
        return "< 0.1 %"
    if probability > 0.99:
        return "> 99 %"
    return f"{probability:.1%}".replace("%", " %") if probability < 0.1 else f"{100 * probability:.0f} %"


def share_below(percentile: float) -> str:
    """A percentile with two decimals, rounded down: at 100 % a pair would score above itself."""
    if percentile >= 99.99:
        return "> 99.99 %" if percentile > 99.99 else "99.99 %"
    return f"{int(100 * percentile) / 100:.2f} %"


def sentence(text: str) -> str:
    """A clause with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def counted(count: int, noun: str) -> str:
    """A number with its noun, in the plural if it is not one."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def one_line(text: str, limit: int) -> str:
    """One printable line of at most `limit` characters; names come from external data."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= limit else line[: limit - 1] + "…"
