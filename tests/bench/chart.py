"""A chart as SVG: a few curves over sizes that grow by multiples."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log
from typing import Final

Point = tuple[float, float]

WIDTH: Final = 720
HEIGHT: Final = 360

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 140, 40, 44
_COLOURS: Final = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b9770e")


def chart(
    title: str, sizes: Sequence[float], curves: Mapping[str, Sequence[float]], *, limit: float
) -> str:
    """Return an SVG with a dashed line at `limit`. `sizes`: in millions, ascending."""
    top = max(limit, *(value for curve in curves.values() for value in curve)) * 1.15
    first, last = log(sizes[0]), log(sizes[-1])

    def x(size: float) -> float:
        share = (log(size) - first) / (last - first) if last > first else 0
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM)

    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = [_text((_LEFT, 22), title, look='font-weight="bold"')]
    for tick in [step / 2 for step in range(int(top * 2) + 1)]:
        parts += [_line((_LEFT, y(tick)), (right, y(tick)), "#ddd")]
        parts += [_text((_LEFT - 8, y(tick) + 4), f"{tick:g}", anchor="end")]
    for size in sizes:
        parts += [_line((x(size), bottom), (x(size), bottom + 5), "#555")]
        parts += [_text((x(size), bottom + 20), f"{size:.2g} M", anchor="middle")]
    parts += [_line((_LEFT, y(limit)), (right, y(limit)), "#555", dashed=True)]
    parts += [_text((right + 8, y(limit) + 4), f"goal: {limit:g}")]
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in zip(sizes, curve, strict=True))
        parts += [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>']
        at = bottom - 6 - 18 * (len(curves) - 1 - number)
        parts += [_text((right + 8, at), f"{name} {curve[-1]:.2f}", look=f'fill="{colour}"')]
    drawn = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="13" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{drawn}\n</svg>\n'
    )


def _line(start: Point, end: Point, colour: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="6 4"' if dashed else ""
    where = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {where} stroke="{colour}"{dashes}/>'


def _text(at: Point, said: str, *, anchor: str = "start", look: str = 'fill="#222"') -> str:
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" {look}>{escape(said)}</text>'
    )
