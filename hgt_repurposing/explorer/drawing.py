"""Pictures as SVG: an interval, a bar, the paths of a pair, the map. Every text in them is escaped.

Colours and fonts are those of the style sheet, so that they follow dark mode and print.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote_plus

import numpy as np
from markupsafe import Markup, escape

from hgt_repurposing.explorer.node_map import NodeMap, Point
from hgt_repurposing.report.wording import one_line

INTERVAL_WIDTH, INTERVAL_HEIGHT = 96, 12
BAR_WIDTH, BAR_HEIGHT = 200, 14
BOX_WIDTH, BOX_HEIGHT, COLUMN, ROW, MARGIN = 164, 38, 252, 56, 6
MAX_LABEL, MAX_KIND = 19, 24
NUM_COLUMNS = 5
"""Drug, up to three nodes between, disease."""
SWEEPS = 6
"""Rounds in which nodes move towards what they are joined to; few are enough for a dozen nodes."""
MAP_SIZE, MAP_MARGIN = 640, 20


def interval(value: float, lower: float, upper: float, *, longest: float) -> Markup:
    """A probability as a dot on its interval, from 0 to the longest end of any interval in the table."""
    scale = (INTERVAL_WIDTH - 8) / max(longest, 1e-9)
    x, start, end = (4 + scale * each for each in (value, lower, upper))
    middle = INTERVAL_HEIGHT / 2
    return Markup(
        '<svg class="interval" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true" focusable="false">'
        '<line class="axis" x1="4" x2="{}" y1="{}" y2="{}"/><line class="reach" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<circle class="value" cx="{}" cy="{}" r="3.5"/></svg>'
    ).format(
        *(INTERVAL_WIDTH, INTERVAL_HEIGHT) * 2,
        *(INTERVAL_WIDTH - 4, middle, middle),
        *(_at(start), _at(end), middle, middle),
        *(_at(x), middle),
    )


def bar(value: float, *, longest: float) -> Markup:
    """A part of a score: to the right of the middle if it raises the score, to the left if it lowers it."""
    middle = BAR_WIDTH / 2
    length = (middle - 2) * min(1.0, abs(value) / max(longest, 1e-9))
    start = middle if value >= 0 else middle - length
    return Markup(
        '<svg class="bar" viewBox="0 0 {} {}" width="{}" height="{}" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="{}" x="{}" y="2" width="{}" height="{}" rx="1.5"/>'
        '<line class="axis" x1="{}" x2="{}" y1="0" y2="{}"/></svg>'
    ).format(
        *(BAR_WIDTH, BAR_HEIGHT) * 2,
        *("for" if value >= 0 else "against", _at(start), _at(length), BAR_HEIGHT - 4),
        *(middle, middle, BAR_HEIGHT),
    )


class Stop(NamedTuple):
    """A node on a path."""

    key: str
    """Distinguishes it from all others."""
    name: str
    kind: str
    """Its type."""


class Way(NamedTuple):
    """A path from a drug to a disease."""

    stops: tuple[Stop, ...]
    relations: tuple[str, ...]
    """Of each step, with an arrow in its direction."""
    share: float


class _Placed(NamedTuple):
    stop: Stop
    x: float
    y: float


def path_picture(ways: Sequence[Way], title: str) -> Markup:
    """The paths of a pair in layers from left to right; lines are as thick as the share of the paths along them.

    Args:
        ways: At least one; all from one drug to one disease.
        title: Read out instead of the picture, whose content stands below it as text.
    """
    placed, height = _layout(ways)
    width = COLUMN * (NUM_COLUMNS - 1) + BOX_WIDTH + 2 * MARGIN
    shares: dict[tuple[str, str], float] = {}
    said: dict[tuple[str, str], str] = {}
    for way in ways:
        for relation, (one, other) in zip(way.relations, _steps(way), strict=True):
            shares[one.key, other.key] = shares.get((one.key, other.key), 0.0) + way.share
            said[one.key, other.key] = relation
    most = max(shares.values())
    lines = [
        _line(placed[one], placed[other], share / max(most, 1e-12), said[one, other])
        for (one, other), share in sorted(shares.items(), key=lambda item: item[1])
    ]
    ends = {ways[0].stops[0].key: "drug", ways[0].stops[-1].key: "disease"}
    boxes = [_box(each, ends.get(key, "between")) for key, each in placed.items()]
    return Markup(
        '<svg class="paths" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}{}</svg>'
    ).format(*(width, _at(height)) * 2, title, Markup("").join(lines), Markup("").join(boxes))


def _steps(way: Way) -> list[tuple[Stop, Stop]]:
    return list(zip(way.stops, way.stops[1:], strict=False))


def _layout(ways: Sequence[Way]) -> tuple[dict[str, _Placed], float]:
    """Where every node stands, and the height of the picture."""
    columns = _columns(ways)
    stops = {stop.key: stop for way in ways for stop in way.stops}
    order = {column: [key for key in stops if columns[key] == column] for column in range(NUM_COLUMNS)}
    rows = max(len(keys) for keys in order.values())
    height = ROW * max(rows, 2) + 2 * MARGIN - (ROW - BOX_HEIGHT)
    joined: dict[str, list[str]] = {key: [] for key in stops}
    for way in ways:
        for one, other in _steps(way):
            joined[one.key].append(other.key)
            joined[other.key].append(one.key)
    y: dict[str, float] = {}
    for keys in order.values():
        _spread(keys, y, height)
    for _ in range(SWEEPS):
        for keys in order.values():
            keys.sort(key=lambda key: float(np.mean([y[other] for other in joined[key]])))
            _spread(keys, y, height)
    return {
        key: _Placed(stop, MARGIN + COLUMN * columns[key] + BOX_WIDTH / 2, y[key]) for key, stop in stops.items()
    }, height


def _spread(keys: Sequence[str], y: dict[str, float], height: float) -> None:
    """Evenly from top to bottom, around the middle."""
    for place, key in enumerate(keys):
        y[key] = height / 2 + ROW * (place - (len(keys) - 1) / 2)


def _columns(ways: Sequence[Way]) -> dict[str, int]:
    """Column of every node: as many steps from the nearer end as on the heaviest paths through it."""
    weights: dict[str, dict[int, float]] = {}
    for way in ways:
        steps = len(way.stops) - 1
        for place, stop in enumerate(way.stops):
            last = NUM_COLUMNS - 1
            column = last // 2 if 2 * place == steps else place if 2 * place < steps else last - (steps - place)
            of = weights.setdefault(stop.key, {})
            of[column] = of.get(column, 0.0) + way.share
    return {key: max(sorted(of), key=lambda column: of[column]) for key, of in weights.items()}


def _line(one: _Placed, other: _Placed, weight: float, relation: str) -> Markup:
    forward = other.x > one.x
    x1, x2 = (one.x, other.x) if forward else (other.x, one.x)
    y1, y2 = (one.y, other.y) if forward else (other.y, one.y)
    x1, x2 = x1 + BOX_WIDTH / 2, x2 - BOX_WIDTH / 2
    if one.x == other.x:  # round the side
        x1 = x2 = one.x + BOX_WIDTH / 2
        bend = (x1 + 44, x2 + 44)
    else:
        bend = ((x1 + x2) / 2, (x1 + x2) / 2)
    return Markup('<path class="way" d="M{} {} C{} {} {} {} {} {}" stroke-width="{}"><title>{}</title></path>').format(
        *map(_at, (x1, y1, bend[0], y1, bend[1], y2, x2, y2)),
        _at(1 + 5 * weight),
        f"{one.stop.name} {relation} {other.stop.name}",
    )


def _box(placed: _Placed, role: str) -> Markup:
    """Role: a class of the style sheet."""
    stop, x, y = placed
    return Markup(
        '<g class="stop {}"><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="6"/>'
        '<text x="{}" y="{}" class="name">{}</text><text x="{}" y="{}" class="kind">{}</text></g>'
    ).format(
        role,
        f"{stop.name} ({stop.kind})",
        *map(_at, (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT)),
        *(_at(x), _at(y - 1), one_line(stop.name, MAX_LABEL)),
        *(_at(x), _at(y + 12), one_line(stop.kind, MAX_KIND)),
    )


def map_picture(node_map: NodeMap, *, marked: Mapping[str, str]) -> Markup:
    """Drugs and diseases by the first two principal components; marked ones (side to id) are large and named."""
    points = node_map.shown(marked=dict(marked))
    if not points:
        return Markup("")
    low_x, high_x = min(p.x for p in points), max(p.x for p in points)
    low_y, high_y = min(p.y for p in points), max(p.y for p in points)
    inner = MAP_SIZE - 2 * MAP_MARGIN
    drawn = []
    for point in points:
        x = MAP_MARGIN + inner * (point.x - low_x) / ((high_x - low_x) or 1.0)
        y = MAP_SIZE - MAP_MARGIN - inner * (point.y - low_y) / ((high_y - low_y) or 1.0)
        drawn.append(_point(point, x, y, is_marked=marked.get(point.side) == point.id))
    label = f"{len(points)} drugs and diseases by the first two principal components of the embeddings"
    frame = Markup('<svg class="map" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">').format(MAP_SIZE, label)
    return frame + Markup("").join(drawn) + Markup("</svg>")


def _point(point: Point, x: float, y: float, *, is_marked: bool) -> Markup:
    kind, radius = (f"{point.side} marked", 7) if is_marked else (point.side, 3)
    # Written out by hand, as there are thousands: only id and name are not ours.
    dot = Markup(  # noqa: S704  (both are escaped)
        f'<a href="/{point.side}?id={quote_plus(point.id)}" tabindex="-1">'
        f'<circle class="{kind}" cx="{_at(x)}" cy="{_at(y)}" r="{radius}">'
        f"<title>{escape(point.name)}</title></circle></a>"
    )
    if not is_marked:
        return dot
    to_the_left = x > MAP_SIZE * 0.7
    return dot + Markup('<text class="label" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _at(x - 11 if to_the_left else x + 11), _at(y + 4), "end" if to_the_left else "start", one_line(point.name, 32)
    )


def _at(number: float) -> str:
    """A coordinate with one decimal, without one where it is whole."""
    return f"{number:.1f}".removesuffix(".0")
