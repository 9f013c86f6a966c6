"""Names that the statements of a module or class bind."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

__all__ = ["bound_by", "is_plain", "statements_in"]

_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def statements_in(body: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """Yield statements and those in blocks under them, but not those of functions and classes."""
    for node in body:
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for block in _BLOCKS:
                yield from statements_in(getattr(node, block, ()))


def bound_by(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds in its module or class."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            name = alias.asname or alias.name
            yield name if isinstance(node, ast.ImportFrom) else name.partition(".")[0]
    else:
        for target in _targets(node):
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    yield part.id


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
        return [node.target]
    if isinstance(node, ast.With | ast.AsyncWith):
        return [item.optional_vars for item in node.items if item.optional_vars]
    return []


def is_plain(node: ast.stmt) -> bool:
    """Return whether a statement binds a plain value, rather than a function, class or import."""
    return not isinstance(
        node,
        ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom,
    )
