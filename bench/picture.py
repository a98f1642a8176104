"""Curves as an SVG: both axes logarithmic, one line for each figure, one panel for each curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Final

PANEL: Final = (460, 380)
MARGIN: Final = (56, 190, 36, 40)  # left, right (for names), top, bottom
COLOURS: Final = ("#4477aa", "#ee6677", "#228833", "#aa8800", "#66aacc", "#aa3377", "#777777", "#000000")

Curves = Mapping[str, Mapping[int, Mapping[str, float]]]


def svg(curves: Curves, unit: str = "ms") -> str:
    """All figures whose name ends with `unit`; panels side by side."""
    panels = [(name, _lines(curve, unit)) for name, curve in curves.items()]
    panels = [(name, lines) for name, lines in panels if lines]
    width, height = PANEL
    drawn = [_panel(name, lines, k * width) for k, (name, lines) in enumerate(panels)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * len(panels)} {height}"'
        f' font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _lines(curve: Mapping[int, Mapping[str, float]], unit: str) -> dict[str, list[tuple[int, float]]]:
    lines: dict[str, list[tuple[int, float]]] = {}
    for size, point in curve.items():
        for name, value in point.items():
            if name.endswith(f", {unit}"):
                lines.setdefault(name.removesuffix(f", {unit}"), []).append((size, max(value, 1e-3)))
    return lines


def _panel(name: str, lines: Mapping[str, list[tuple[int, float]]], offset: int) -> str:
    width, height = PANEL
    left, right, top, bottom = MARGIN
    sizes = sorted({size for points in lines.values() for size, _ in points})
    values = [value for points in lines.values() for _, value in points]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(size: float) -> float:
        share = (math.log10(size) - first) / (last - first) if last > first else 0.5
        return offset + left + share * (width - left - right)

    def y(value: float) -> float:
        return height - bottom - (math.log10(value) - low) / max(1, high - low) * (height - top - bottom)

    parts = [f'<text x="{offset + left}" y="20" font-size="13">{escape(name)}: ms, by their number</text>']
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(
            f'<path d="M{offset + left},{at:.1f} H{offset + width - right}" stroke="#dddddd"/>'
            f'<text x="{offset + left - 6}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    parts += [
        f'<text x="{x(size):.1f}" y="{height - bottom + 18}" text-anchor="middle">{size:,}</text>' for size in sizes
    ]
    beside = -math.inf
    for k, (figure, points) in enumerate(sorted(lines.items(), key=lambda line: -line[1][-1][1])):
        colour = COLOURS[k % len(COLOURS)]
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in points)
        size, value = points[-1]
        beside = max(beside + 13, y(value) + 4)  # names must not lie on each other
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
            f'<text x="{x(size) + 8:.1f}" y="{beside:.1f}" fill="{colour}">{escape(figure)}: {value:.3g}</text>'
        )
    return "\n".join(parts)
