"""Layout of a graph in columns, from left to right. Pure; equal graphs get equal drawings."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Box", "Drawing", "Position", "draw_graph"]

_GAP_X = 64.0
_GAP_Y = 12.0
_MARGIN = 16.0
_LANE = 6.0  # the height that a line takes where it passes a column
_SWEEPS = 12
_PASSAGES = 6_000
"""Of lines through columns; with more, lines go straight, as they would take seconds to lay out."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node before the layout.

    Attributes:
        key: of the node.
        column: from 0.
        width: of the box.
        height: of the box.
    """

    key: Hashable
    column: int
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Position:
    """The upper left corner of a box."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where all boxes are, and the paths of all lines, in the given order."""

    width: float
    height: float
    positions: Mapping[Hashable, Position]
    paths: tuple[str, ...]


@dataclass(slots=True)
class _Item:
    """A box, or the passage of a line through a column."""

    column: int
    height: float
    order: int
    width: float = 0.0
    y: float = 0.0
    before: list[_Item] = field(default_factory=list)
    after: list[_Item] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def draw_graph(boxes: Sequence[Box], lines: Sequence[tuple[Hashable, Hashable]]) -> Drawing:
    """Return the layout of boxes whose columns are known.

    Boxes are ordered in their columns so that few lines cross. A line over several columns passes
    between the boxes of the columns in the middle.

    Args:
        boxes: the nodes; their order decides between equally good layouts.
        lines: pairs of keys. A line may go back, or stay in its column.
    """
    items = {
        box.key: _Item(box.column, box.height, number, box.width)
        for number, box in enumerate(boxes)
    }
    columns: list[list[_Item]] = [
        [] for _ in range(max((box.column for box in boxes), default=0) + 1)
    ]
    for item in items.values():
        columns[item.column].append(item)
    passages = sum(max(0, items[end].column - items[begin].column - 1) for begin, end in lines)
    is_small = passages <= _PASSAGES
    chains = [
        _chain(items[begin], items[end], columns, has_passages=is_small) for begin, end in lines
    ]
    _order(columns)
    _set_heights(columns)
    lefts, widths = _lefts(columns)
    width = lefts[len(columns) - 1] + widths[len(columns) - 1] + _MARGIN
    height = max((item.y + item.height for column in columns for item in column), default=0.0)
    positions = {key: Position(lefts[item.column], item.y) for key, item in items.items()}
    return Drawing(
        width, height + _MARGIN, positions, tuple(_path(chain, lefts, widths) for chain in chains)
    )


def _chain(
    begin: _Item, end: _Item, columns: list[list[_Item]], *, has_passages: bool
) -> list[_Item]:
    """Return the items that a line passes; those in the middle are new."""
    chain = [begin]
    for column in range(begin.column + 1, end.column if has_passages else 0):
        passage = _Item(column, _LANE, len(columns[column]) + 10_000)
        columns[column].append(passage)
        chain.append(passage)
    chain.append(end)
    if end.column > begin.column:
        for left, right in itertools.pairwise(chain):
            left.after.append(right)
            right.before.append(left)
    return chain


def _order(columns: list[list[_Item]]) -> None:
    """Sort each column by the middle of the neighbours, forth and back."""
    for column in columns:
        column.sort(key=lambda item: item.order)
        _stack(column)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for column in columns if forth else reversed(columns):
            wanted = {
                id(item): _mean(item.before if forth else item.after, item.middle)
                for item in column
            }
            column.sort(key=lambda item: (wanted[id(item)], item.order))
            _stack(column)


def _stack(column: list[_Item]) -> None:
    y = 0.0
    for item in column:
        item.y = y
        y += item.height + _GAP_Y
    shift = (y - _GAP_Y) / 2
    for item in column:
        item.y -= shift


def _mean(neighbours: Sequence[_Item], otherwise: float) -> float:
    if not neighbours:
        return otherwise
    return sum(item.middle for item in neighbours) / len(neighbours)


def _set_heights(columns: list[list[_Item]]) -> None:
    """Move items towards the middle of their neighbours, in their order and without overlaps."""
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [_mean(item.before + item.after, item.middle) for item in column]
            _settle(column, wanted)
    top = min((item.y for column in columns for item in column), default=0.0)
    for column in columns:
        for item in column:
            item.y += _MARGIN - top


def _settle(column: list[_Item], wanted: Sequence[float]) -> None:
    """Put items as near to the wanted heights as their order and the gaps between them allow.

    Items that would overlap form a block, and a block is at the mean of what its items want.
    """
    blocks: list[tuple[float, float, list[_Item]]] = []  # sum of wishes for the top, height, items
    for item, middle in zip(column, wanted, strict=True):
        block = (middle - item.height / 2, item.height, [item])
        while blocks and _top(blocks[-1]) + blocks[-1][1] + _GAP_Y > _top(block):
            wishes, height, members = blocks.pop()
            offset = height + _GAP_Y
            block = (
                wishes + block[0] - offset * len(block[2]),
                offset + block[1],
                members + block[2],
            )
        blocks.append(block)
    for block in blocks:
        y = _top(block)
        for item in block[2]:
            item.y = y
            y += item.height + _GAP_Y


def _top(block: tuple[float, float, list[_Item]]) -> float:
    return block[0] / len(block[2])


def _lefts(columns: list[list[_Item]]) -> tuple[dict[int, float], dict[int, float]]:
    """Return the left edge and the width of each column."""
    lefts: dict[int, float] = {}
    widths: dict[int, float] = {}
    x = _MARGIN
    for number, column in enumerate(columns):
        lefts[number] = x
        widths[number] = max((item.width for item in column), default=0.0)
        x += widths[number] + (_GAP_X if widths[number] else 0.0)
    return lefts, widths


def _path(chain: list[_Item], lefts: Mapping[int, float], widths: Mapping[int, float]) -> str:
    """Return a smooth line through the items, as a path of SVG."""
    begin = chain[0]
    x, y = lefts[begin.column] + begin.width, begin.middle
    parts = [f"M{x:.0f} {y:.1f}"]
    for item in chain[1:]:
        left = lefts[item.column]
        parts.append(_curve(x, y, left, item.middle))
        x, y = left, item.middle
        if item is not chain[-1]:  # straight through the column
            x += widths[item.column]
            parts.append(f"H{x:.0f}")
    return "".join(parts)


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = max(abs(to_x - x) / 2, 24.0)
    return f"C{x + bend:.0f} {y:.1f} {to_x - bend:.0f} {to_y:.1f} {to_x:.0f} {to_y:.1f}"
