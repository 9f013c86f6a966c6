"""Where in a flow's source a step names an artifact."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from mfwb.snapshot import SourceCode
from mfwb.syntax import TooLargeError, parsed

__all__ = ["lines_of_reads"]


def lines_of_reads(code: SourceCode | None) -> dict[tuple[str, str], str]:
    """Return places as in `line 41 of flow.py` by step and artifact, each the first one.

    Only what stands in the body of the step itself is found, as reads mostly do; one that is
    made by a helper method is not. Nothing is run.
    """
    if code is None:
        return {}
    try:
        tree = parsed(code.files.get(code.script, ""))
    except (SyntaxError, TooLargeError):
        return {}
    file = code.script.rpartition("/")[2]
    found: dict[tuple[str, str], int] = {}
    for function in _only_ones(tree):
        for name, line in _named_in(function):
            key = function.name, name
            found[key] = min(line, found.get(key, line))
    return {key: f"line {line} of {file}" for key, line in found.items()}


def _only_ones(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield the methods whose name no other class has: which one ran is sure then."""
    by_name = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    by_name[method.name].append(method)
    return (methods[0] for methods in by_name.values() if len(methods) == 1)


def _named_in(function: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    """Yield names that are read, `self.x` and `one.x` alike, and those that stand as texts."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node.attr, node.lineno
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
            yield node.target.attr, node.lineno
        elif isinstance(node, ast.Call):
            yield from _texts_of(node)


def _texts_of(call: ast.Call) -> Iterator[tuple[str, int]]:
    """Yield what calls name: `getattr(self, "x")`, `self.next(..., foreach="x")`."""
    for node in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno
