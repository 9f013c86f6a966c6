"""Layout of trees of headlines and facts: with guides on a terminal, indented elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from mfwb.report.console import is_limited
from mfwb.report.fit import Wrapped

__all__ = ["Fact", "Node", "print_tree"]

_GAP = 2
_INDENT = 4  # as wide as rich's guides
_LISTS = 24
"""A list of names is wrapped if it is wider."""

_NARROWEST = 12
"""Columns are not narrower than this."""

_ANY = 10**6  # columns

_SHARE = 3
"""The names of facts take this part of the width at most."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label, names, and their description; or, if that is None, a label and one text."""

    label: str
    names: Text
    description: Text | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A headline, the facts below it, and the nodes inside it."""

    headline: Text
    facts: Sequence[Fact] = ()
    inside: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Widths:
    label: int
    names: int


def print_tree(root: Node, console: Console) -> None:
    """Print a tree; the facts of all its nodes are aligned in columns of the same width."""
    widths = _widths(root, console.width)
    if console.is_terminal and is_limited(console):
        console.print(_with_guides(root, widths))
    else:
        _print_indented(root, console, widths, 0)


def _widths(root: Node, width: int) -> _Widths:
    facts = [fact for node in _all_nodes(root) for fact in node.facts]
    names = _names_width([fact.names for fact in facts if fact.description is not None])
    return _Widths(
        label=max((len(fact.label) for fact in facts), default=0),
        names=min(names, width // _SHARE),
    )


def _names_width(names: Sequence[Text]) -> int:
    """Return the width of the longest name; lists of names may be wider, up to a limit."""
    alone = max((cell_len(name) for text in names for name in text.plain.split(", ")), default=0)
    longest = max((text.cell_len for text in names), default=0)
    return max(alone, min(longest, _LISTS))


def _all_nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.inside:
        yield from _all_nodes(child)


def _with_guides(node: Node, widths: _Widths) -> Tree:
    tree = Tree(_body(node, widths), guide_style="dim")
    for child in node.inside:
        tree.children.append(_with_guides(child, widths))
    return tree


def _print_indented(node: Node, console: Console, widths: _Widths, depth: int) -> None:
    margin = (0, 0, 0, depth * _INDENT)
    console.print(Padding(_body(node, widths), margin, expand=False))
    for child in node.inside:
        _print_indented(child, console, widths, depth + 1)


def _body(node: Node, widths: _Widths) -> Group:
    facts = [_Facts(facts, widths) for facts in _group_by_columns(node.facts)]
    return Group(Wrapped(node.headline), *facts, Text())


def _group_by_columns(facts: Iterable[Fact]) -> Iterator[list[tuple[str, Fact]]]:
    """Yield facts with the same columns together, each with its label if that is a new one."""
    previous = ""
    labelled = []
    for fact in facts:
        labelled.append(("" if fact.label == previous else fact.label, fact))
        previous = fact.label
    for _, members in groupby(labelled, key=lambda pair: pair[1].description is None):
        yield list(members)


class _Facts:
    """Facts in columns; where these would be too narrow, below each other."""

    def __init__(self, facts: Sequence[tuple[str, Fact]], widths: _Widths) -> None:
        self._facts = facts
        self._widths = widths

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield a table, or the lines of all facts."""
        grid = _grid(self._facts, self._widths)
        natural = Measurement.get(console, console.options.update(width=_ANY), grid).maximum
        narrowest = self._widths.label + _GAP + 2 * _NARROWEST
        if options.max_width >= min(natural, narrowest):
            yield grid
            return
        for label, fact in self._facts:
            if label:
                yield Wrapped(Text(label, style="dim"))
            yield _indented(fact.names, _GAP)
            if fact.description:
                yield _indented(fact.description, 2 * _GAP)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the widths of the table."""
        return Measurement.get(console, options, _grid(self._facts, self._widths))


def _indented(text: Text, margin: int) -> Padding:
    return Padding(Wrapped(text), (0, 0, 0, margin), expand=False)


def _grid(facts: Sequence[tuple[str, Fact]], widths: _Widths) -> Table:
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=widths.label, style="dim", no_wrap=True)
    grid.add_column()
    for label, fact in facts:
        if fact.description is None:
            grid.add_row(Text(label), Wrapped(fact.names))
        else:
            grid.columns[1].width = widths.names
            grid.add_row(Text(label), Wrapped(fact.names), Wrapped(fact.description))
    return grid
