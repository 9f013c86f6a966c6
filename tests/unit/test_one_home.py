"""One home for each rule: what says the same in a second place drifts from it, unseen.

A row of `RULES` says how a second home would look, and which modules may look like that. Whoever
gives a rule its one home adds a row.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

_PACKAGE = Path(__file__).parents[2] / "mfwb"

Look = Callable[[ast.Module], Iterator[ast.AST]]
"""Yields what in a module would be a home of the rule."""


# --- how a home of a rule looks -------------------------------------------------------------


def function_called(*names: str) -> Look:
    """Return what finds functions and classes of some names."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names:
                yield node

    return look


def constant_called(*names: str) -> Look:
    """Return what finds assignments to some names, outside of classes and functions."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", 0)]
            if any(isinstance(one, ast.Name) and one.id in names for one in targets):
                yield node

    return look


def text_with(part: str) -> Look:
    """Return what finds texts that have a part; docstrings don't count."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and part in text and id(node) not in docstrings:
                yield node

    return look


def imports(name: str) -> Look:
    """Return what finds imports of a module."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            found = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if name in found or (isinstance(node, ast.ImportFrom) and node.module == name):
                yield node

    return look


def number(value: float) -> Look:
    """Return what finds a number, also as a part of a product or a power of numbers."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            if isinstance(node, (ast.Constant, ast.BinOp)) and _value(node) == value:
                yield node

    return look


def _value(node: ast.AST) -> float | None:
    """Return the value of a number, a product or a power; None of anything else."""
    if isinstance(node, ast.Constant) and type(node.value) in {int, float}:
        return node.value  # type: ignore[return-value] # as it was just found
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Pow)):
        return None
    left, right = _value(node.left), _value(node.right)
    if left is None or right is None:
        return None
    return left * right if isinstance(node.op, ast.Mult) else float(left**right)


# --- the rules ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """One rule, how a home of it looks, and where it may look like that.

    Attributes:
        name: what is decided there.
        look: finds what would be a home.
        homes: modules that have it, as paths below `mfwb/`. Each has to, or the row tells nothing.
    """

    name: str
    look: Look
    homes: tuple[str, ...]


RULES = [
    Rule(
        "which ids of local flow runs are moments",
        function_called("moment_of_id", "_original_start"),
        ("snapshot/pathspec.py",),
    ),
    Rule("from when on numbers are such ids", number(10**15), ("snapshot/pathspec.py",)),
    Rule("the last moment there is", number(253_402_300_799_999), ("snapshot/pathspec.py",)),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_one_home(rule: Rule) -> None:
    """What looks like a home of the rule is there, and nowhere else."""
    found = {
        path: [getattr(node, "lineno", 0) for node in nodes]
        for path, tree in _modules().items()
        if (nodes := list(rule.look(tree)))
    }

    others = {path: lines for path, lines in found.items() if path not in rule.homes}
    assert others == {}, f"the home of {rule.name!r} is {' and '.join(rule.homes)}"
    assert set(rule.homes) == set(found)


@cache
def _modules() -> dict[str, ast.Module]:
    return {
        path.relative_to(_PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(_PACKAGE.rglob("*.py"))
    }
