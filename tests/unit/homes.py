"""How a home of a rule looks in the source: what a row of `test_one_home` may search for."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TypeGuard

from tests.support.package_source import nodes_of

__all__ = [
    "Look",
    "alteration_of",
    "argument_called",
    "attribute_called",
    "class_with",
    "constant_called",
    "function_called",
    "imports",
    "item_of",
    "keyword_given",
    "number",
    "silent_class_with",
    "text_handed_on",
    "text_split_at",
    "text_with",
]

Look = Callable[[ast.Module], Iterator[ast.AST]]
"""Yields what in a module would be a home of the rule."""


def function_called(*names: str) -> Look:
    """Return what finds functions and classes of some names."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names:
                yield node

    return look


def constant_called(*names: str) -> Look:
    """Return what finds assignments to some names, outside of classes and functions."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", 0)]
            if any(isinstance(target, ast.Name) and target.id in names for target in targets):
                yield node

    return look


def text_with(pattern: str) -> Look:
    """Return what finds texts in which a pattern occurs; docstrings don't count."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        docstrings = {id(node.value) for node in nodes_of(tree) if isinstance(node, ast.Expr)}
        for node in nodes_of(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.search(pattern, text) and id(node) not in docstrings:
                yield node

    return look


def attribute_called(name: str) -> Look:
    """Return what finds attributes of a name that are looked at."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            if isinstance(node, ast.Attribute) and node.attr == name:
                yield node

    return look


def keyword_given(name: str, *, value: object) -> Look:
    """Return what finds calls that give an argument by name, and that very value."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            given = node.value if isinstance(node, ast.keyword) and node.arg == name else None
            if isinstance(given, ast.Constant) and given.value is value:
                yield node

    return look


def silent_class_with(*methods: str) -> Look:
    """Return what finds classes, no Protocols, whose methods of some names do nothing at all."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            if isinstance(node, ast.ClassDef) and not node.bases:
                silent = {item.name for item in node.body if _is_silent(item)}
                if silent.issuperset(methods):
                    yield node

    return look


def _is_silent(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """Return whether a method has nothing but a docstring, `pass` or `...`."""
    return isinstance(node, ast.FunctionDef) and all(
        isinstance(item, ast.Pass)
        or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
        for item in node.body
    )


def item_of(attribute: str) -> Look:
    """Return what finds items that are taken out of an attribute: `plan.source["start"]`."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            whole = node.value if isinstance(node, ast.Subscript) else None
            if isinstance(whole, ast.Attribute) and whole.attr == attribute:
                yield node

    return look


def text_split_at(separator: str) -> Look:
    """Return what finds calls of `split`, `partition` and their like for a separator."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                reported = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
                if node.func.attr in _SPLITS and reported == [separator]:
                    yield node

    return look


_SPLITS = frozenset({"split", "rsplit", "partition", "rpartition"})


def imports(name: str) -> Look:
    """Return what finds imports of a module."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            result = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if name in result or (isinstance(node, ast.ImportFrom) and node.module == name):
                yield node

    return look


def number(value: float) -> Look:
    """Return what finds a number, also as a part of a product or a power of numbers."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
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


def class_with(*methods: str) -> Look:
    """Return what finds classes that define all methods of some names."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            if isinstance(node, ast.ClassDef) and _methods_of(node) >= {*methods}:
                yield node

    return look


def argument_called(*names: str) -> Look:
    """Return what finds arguments of functions by their names."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            if isinstance(node, ast.arg) and node.arg in names:
                yield node

    return look


def text_handed_on(pattern: str) -> Look:
    """Return what finds whole texts of a pattern that are given to a call or taken as a key."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in nodes_of(tree):
            if isinstance(node, (ast.Call, ast.Subscript)):
                for part in ast.iter_child_nodes(node):
                    text = part.value if isinstance(part, ast.Constant) else None
                    if isinstance(text, str) and re.fullmatch(pattern, text):
                        yield node

    return look


def alteration_of(*packages: str) -> Look:
    """Return what finds assignments into modules and classes that were imported of packages."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        theirs = {
            (name.asname or name.name).partition(".")[0]
            for node in nodes_of(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in node.names
            if _module_of(node, name.name).partition(".")[0] in packages
        }
        for node in nodes_of(tree):
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
                targets = [node.target]
            elif _is_set(node, theirs):
                yield node
            for target in targets:
                if isinstance(target, (ast.Attribute, ast.Subscript)) and _root(target) in theirs:
                    yield target

    return look


def _methods_of(node: ast.ClassDef) -> set[str]:
    return {item.name for item in node.body if isinstance(item, ast.FunctionDef)}


def _is_set(node: ast.AST, names: set[str]) -> bool:
    """Return whether this is `setattr` or `delattr` of one of the names."""
    if not isinstance(node, ast.Call) or _root(node.func) not in {"setattr", "delattr"}:
        return False
    return any(_root(arg) in names for arg in node.args[:1])


def _module_of(node: ast.Import | ast.ImportFrom, name: str) -> str:
    return (node.module or "") if isinstance(node, ast.ImportFrom) else name


def _root(node: ast.expr) -> str:
    """Return the name that an expression begins with; of `vars(x)[...]` it is x."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        if isinstance(node, ast.Call):
            is_vars = isinstance(node.func, ast.Name) and node.func.id == "vars" and node.args
            node = node.args[0] if is_vars else node.func
        else:
            node = node.value
    return node.id if isinstance(node, ast.Name) else ""
