"""Survey of a file: one pass for what must be known about all of it in advance."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Survey", "survey"]

_CHANGING = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LEAVES = (ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)


@dataclass(slots=True)
class Scope:
    """The names that a function binds, and those that it declares `global` or `nonlocal`."""

    bound: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Survey:
    """The result of one pass over a file.

    Attributes:
        scopes: the names that each function binds.
        changed: names of objects that something in the file may change in place.
        deleted: attributes that something in the file deletes.
        set_anew: attributes that something in the file assigns, or changes in place.
    """

    scopes: dict[ast.AST, Scope] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    reassigned: set[str] = field(default_factory=set)

    def local_names(self, function: ast.AST) -> frozenset[str]:
        """Return the names that are local to a function because it binds them."""
        scope = self.scopes.get(function) or Scope()
        return frozenset(scope.bound - scope.elsewhere)


def survey(tree: ast.Module) -> Survey:
    """Return the result of one pass over a file."""
    result = Survey()
    pending: list[tuple[ast.AST, Scope]] = [(tree, Scope())]
    while pending:
        node, scope = pending.pop()
        _note(node, scope, result)
        if isinstance(node, _SCOPES):
            scope = result.scopes.setdefault(node, Scope())
        pending.extend((child, scope) for child in _children(node))
    return result


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for name in node._fields:
        value = getattr(node, name, None)
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.AST) and not isinstance(child, _LEAVES):
                yield child


def _note(node: ast.AST, scope: Scope, result: Survey) -> None:
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            scope.bound.add(node.id)
    elif isinstance(node, ast.arg):
        scope.bound.add(node.arg)
    elif isinstance(node, ast.Attribute | ast.Subscript | ast.AugAssign):
        _note_change(node, result)
    elif isinstance(node, ast.Call):
        _note_by_name(node, result)
    else:
        _note_binding(node, scope, result)


def _note_binding(node: ast.AST, scope: Scope, result: Survey) -> None:
    if isinstance(node, _DEFINITIONS):
        scope.bound.add(node.name)
    elif isinstance(node, ast.alias):
        scope.bound.add((node.asname or node.name).partition(".")[0])
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        scope.bound.add(node.name or "_")
    elif isinstance(node, ast.Global | ast.Nonlocal):
        scope.elsewhere.update(node.names)
        result.changed.update(node.names)


def _note_change(node: ast.Attribute | ast.Subscript | ast.AugAssign, result: Survey) -> None:
    target: ast.AST | None = None
    if isinstance(node, ast.AugAssign):
        target = node.target
    elif not isinstance(node.ctx, ast.Load):
        target = node.value
        if isinstance(node, ast.Attribute):
            result.reassigned.add(node.attr)
            if isinstance(node.ctx, ast.Del):
                result.deleted.add(node.attr)
    elif isinstance(node, ast.Attribute) and node.attr in _CHANGING:
        target = node.value
    if isinstance(target, ast.Name):
        result.changed.add(target.id)
    elif isinstance(target, ast.Attribute):
        result.reassigned.add(target.attr)


def _note_by_name(node: ast.Call, result: Survey) -> None:
    if isinstance(node.func, ast.Name) and node.func.id in {"delattr", "setattr"}:
        noted = result.deleted if node.func.id == "delattr" else result.reassigned
        noted.update(
            argument.value
            for argument in node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        )
