"""The modules of mfwb as syntax trees, which are parsed once for all tests that look at them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import mfwb

__all__ = ["nodes_of", "package_trees"]

_PACKAGE = Path(mfwb.__file__).parent


@cache
def package_trees() -> Mapping[str, ast.Module]:
    """Return the tree of each module of mfwb by its path below `mfwb/`; nobody alters one."""
    return {
        path.relative_to(_PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(_PACKAGE.rglob("*.py"))
    }


@cache
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return all parts of a tree; to walk takes longer than what most tests look for."""
    return tuple(ast.walk(tree))
