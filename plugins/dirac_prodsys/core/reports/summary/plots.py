"""Draws lines and bars as inline SVG, which a page needs no script for.

Invariant: the same data give the same bytes; text is escaped, and nothing is fetched or run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape

#: pixels
_WIDTH, _HEIGHT, _LEFT, _ROW, _LETTER = 640, 180, 44, 20, 7

#: colours that people with any sight tell apart (Okabe and Ito)
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")

STYLE = (
    "svg text{font:11px sans-serif;fill:#333}svg .axis{stroke:#999;fill:none}"
    "svg .line{fill:none;stroke-width:1.6}"
)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw shares over time, a line for each name.

    :param series: name → pairs of seconds since the epoch, and a share from 0 to 1.
    """
    moments = [at for points in series.values() for at, _ in points]
    if not moments:
        return ""
    first, last = min(moments), max(moments)
    wide, high = _WIDTH - _LEFT - 10, _HEIGHT - 40
    scale = wide / ((last - first) or 1.0)
    parts = [
        f'<path class="axis" d="M{_LEFT},10V{10 + high}H{_LEFT + wide}"/>',
        _text(4, 16, "100 %"),
        _text(16, 14 + high, "0 %"),
        _text(_LEFT, 26 + high, _moment(first)),
        _text(_LEFT + wide, 26 + high, _moment(last), end=True),
    ]
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        way = " ".join(
            f"{_LEFT + (at - first) * scale:.1f},{10 + high * (1 - min(1.0, max(0.0, share))):.1f}"
            for at, share in points
        )
        parts.append(f'<polyline class="line" stroke="{colour}" points="{way}"/>')
        top = _HEIGHT + 8 + number * _ROW
        parts.append(f'<rect x="{_LEFT}" y="{top - 8}" width="14" height="4" fill="{colour}"/>')
        parts.append(_text(_LEFT + 20, top, f"{name}: {points[-1][1]:.0%}"))
    return _svg(title, _HEIGHT + 8 + len(series) * _ROW, parts)


def bars(title: str, values: Mapping[str, float], words: Callable[[float], str]) -> str:
    """Draw a bar for each name.

    :param values: name → a number that is not negative.
    :param words: writes a number.
    """
    if not values:
        return ""
    widest = max(map(len, values)) * _LETTER + 12
    left = min(widest, _WIDTH // 2)
    scale = (_WIDTH - left - 110) / (max(values.values()) or 1.0)
    parts = []
    for number, (name, value) in enumerate(values.items()):
        top, long = number * _ROW + 4, max(1.0, value * scale)
        parts.append(_text(left - 6, top + 12, _shortened(name, left), end=True))
        parts.append(
            f'<rect x="{left}" y="{top}" width="{long:.1f}" height="14" fill="{_COLOURS[0]}"/>'
        )
        parts.append(_text(left + long + 6, top + 12, words(value)))
    return _svg(title, len(values) * _ROW + 8, parts)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    size = f'width="{_WIDTH}" height="{height:.0f}" viewBox="0 0 {_WIDTH} {height:.0f}"'
    return f'<svg {size} role="img"><title>{escape(title)}</title>{"".join(parts)}</svg>'


def _text(x: float, y: float, text: str, *, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{anchor}>{escape(text)}</text>'


def _shortened(text: str, room: int) -> str:
    most = room // _LETTER
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
