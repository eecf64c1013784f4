"""Draws a picture that any browser shows, without Graphviz: columns by distance from the roots.

Invariant: the same plan gives the same bytes; text is escaped, and nothing is fetched or run.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from dirac_prodsys.core.pictures import Arrow, Box, Picture, picture, shorten
from dirac_prodsys.core.pictures.state import FILLS, States
from dirac_prodsys.core.plan.values import ProductionPlan

#: pixels
_LETTER, _LINE, _PADDING, _GAP = 7.2, 16, 12, 28

_FILLS = {"step": "#e8f0fa", "dataset": "#eaf5e6", "source": "#f5f0e0"}
_STYLE = (
    "text{font:12px ui-monospace,monospace;fill:#1b2733}.name{font-weight:bold}"
    ".line{fill:#5a6b7b;font-size:11px}"
    ".word{fill:#5a6b7b;font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:4px}"
    "path{fill:none;stroke:#5a6b7b;stroke-width:1.3}"
    ".late{stroke-dasharray:5 4}rect{stroke:#8aa0b5}"
)
_TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><polygon points="0,0 8,4 0,8" fill="#5a6b7b"/></marker>'
)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


@dataclass(frozen=True)
class _Place:
    """A box on the paper."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def draw(plan: ProductionPlan, states: States | None = None) -> str:
    """Write the SVG document."""
    drawn = picture(plan, states)
    places = _places(drawn)
    right = max(place.left + place.width for place in places.values()) + _PADDING
    bottom = max(place.top + place.height for place in places.values()) + _PADDING
    size = f'width="{right:.0f}" height="{bottom:.0f}" viewBox="0 0 {right:.0f} {bottom:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{drawn.title.translate(_ESCAPES)}</title><style>{_STYLE}</style>",
        f"<defs>{_TIP}</defs>",
        *(_arrow(arrow, places) for arrow in drawn.arrows),
        *(_label(words, places[key]) for key, words in _words(drawn).items()),
        *(_box(box, places[box.key]) for box in drawn.boxes),
        "</svg>",
    ]
    return "\n".join(parts)


def _places(drawn: Picture) -> dict[str, _Place]:
    """Place the boxes: columns by the longest way from a root, boxes below each other."""
    column: dict[str, int] = {box.key: 0 for box in drawn.boxes}
    for _ in drawn.boxes:
        moved = False
        for arrow in drawn.arrows:
            if column[arrow.target] <= column[arrow.source]:
                column[arrow.target], moved = column[arrow.source] + 1, True
        if not moved:
            break
    widths: dict[int, float] = defaultdict(float)
    gaps: dict[int, float] = defaultdict(lambda: float(_GAP))
    for box in drawn.boxes:
        widths[column[box.key]] = max(widths[column[box.key]], _width(box.lines))
    for target, lines in _words(drawn).items():
        at = column[target] - 1
        gaps[at] = max(gaps[at], _width(lines) + _GAP)
    left, lefts = float(_PADDING), dict[int, float]()
    for number in sorted(widths):
        lefts[number] = left
        left += widths[number] + gaps[number]
    words = _words(drawn)
    tops: dict[int, float] = defaultdict(lambda: float(_PADDING))
    places = {}
    for box in drawn.boxes:
        at = column[box.key]
        height = len(box.lines) * _LINE + _PADDING
        above = max(0.0, len(words.get(box.key, ())) * _LINE - height / 2)
        places[box.key] = _Place(lefts[at], tops[at] + above, widths[at], height)
        tops[at] += above + height + _GAP
    return places


def _words(drawn: Picture) -> dict[str, tuple[str, ...]]:
    """Return the conditions of each box on all its inputs together: arrows that meet share them.

    ``particle gamma`` and ``particle proton`` become ``particle gamma | proton``.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for arrow in drawn.arrows:
        fields = found.setdefault(arrow.target, {})
        for word in arrow.words:
            field, _, condition = word.partition(" ")
            known = fields.setdefault(field, [])
            if condition not in known:
                known.append(condition)
    return {
        target: tuple(shorten(f"{field} {' | '.join(some)}") for field, some in fields.items())
        for target, fields in found.items()
    }


def _width(lines: tuple[str, ...]) -> float:
    return max((len(line) for line in lines), default=0) * _LETTER + 2 * _PADDING


def _box(box: Box, place: _Place) -> str:
    radius = 4 if box.kind == "step" else 14
    fill = _FILLS[box.kind] if box.state is None else FILLS[box.state.look]
    frame = (
        f'<rect x="{place.left:.1f}" y="{place.top:.1f}" width="{place.width:.1f}" '
        f'height="{place.height:.1f}" rx="{radius}" fill="{fill}"/>'
    )
    parts = [frame]
    for number, line in enumerate(box.lines):
        style = "name" if number == 0 else "line"
        parts.append(_text(line, place.left + _PADDING, place.top + (number + 1) * _LINE, style))
    return "".join(parts)


def _arrow(arrow: Arrow, places: dict[str, _Place]) -> str:
    source, target = places[arrow.source], places[arrow.target]
    begin, end = source.left + source.width, target.left
    half = (begin + end) / 2
    style = ' class="late"' if arrow.late else ""
    way = (
        f"M{begin:.1f},{source.middle:.1f} C{half:.1f},{source.middle:.1f} "
        f"{half:.1f},{target.middle:.1f} {end:.1f},{target.middle:.1f}"
    )
    return f'<path d="{way}"{style} marker-end="url(#tip)"/>'


def _label(words: tuple[str, ...], place: _Place) -> str:
    """Write the conditions of a box, left of it and above the tips of the arrows."""
    left = place.left - _width(words) + _PADDING / 2
    top = place.middle - len(words) * _LINE - 5
    return "".join(
        _text(word, left, top + (number + 1) * _LINE, "word") for number, word in enumerate(words)
    )


def _text(text: str, x: float, y: float, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{text.translate(_ESCAPES)}</text>'
