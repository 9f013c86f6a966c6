"""Names in `mfwb/` are words of the field: none of the earlier private words returns."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.support.package_source import nodes_of, package_trees

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIVATE = frozenset(
    {
        *("said", "told", "saying", "telling", "hear", "heard", "asked", "meant", "words"),
        *("place", "places", "there", "outside", "found", "one", "ones", "its", "most"),
        *("standing", "standings", "ground", "grounds", "holding", "late", "quiet", "anew"),
        *("crew", "foreman", "foremen", "workshop", "door", "doors", "witness", "witnesses"),
        *("deed", "deeds", "ill", "amend", "amends", "amended"),
    }
)
"""Words that told a reader nothing; `CONTRIBUTING.md` has those to use."""

ALLOWED = frozenset(
    {
        "NotFound",  # public; and what HTTP calls it
        "_NOT_FOUND",
        "_not_found",
        "OutsideRootError",
        "one_line",
        "quiet",  # `--quiet`, and W&B's settings of that kind
        "_quiet",
        "_QUIET",
    }
)
ALLOWED_IN = frozenset(
    {
        ("outcome.py", "ground"),  # a key of `--json`
        ("report/explain/document_types.py", "ground"),
        ("report/lineage/document_types.py", "ground"),
        ("sync_status.py", "standing"),  # a key of `mfwb status --json`
        ("flow_run_list.py", "standing"),  # the same key
        ("forgotten.py", "standing"),
        ("planning/plan.py", "ground"),  # keys of `mfwb plan --json`, and parts of a plan's digest
        ("planning/plan.py", "place"),
    }
)


@cache
def bound_names(tree: ast.AST) -> frozenset[str]:
    """Return the names that some source binds."""
    return frozenset(bindings_in(tree))


def bindings_in(tree: ast.AST) -> Iterator[str]:
    """Yield the names that some source binds: of classes, functions, parameters and variables."""
    for node in nodes_of(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name
            case _:
                pass


def words_of(name: str) -> set[str]:
    """Return the words of a name in snake case, in camel case or in capitals."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def private_names(tree: ast.AST) -> set[str]:
    """Return the bound names that have a private word."""
    names = bound_names(tree)
    return {name for name in names - ALLOWED if words_of(name) & PRIVATE}


def test_no_private_words() -> None:
    """No bound name of the package has a word that stands for nothing of the field."""
    names = {(path, name) for path, tree in package_trees().items() for name in private_names(tree)}

    assert names == ALLOWED_IN


def test_what_is_allowed_is_needed() -> None:
    """The list of exceptions has nothing that no longer exists."""
    names = {name for tree in package_trees().values() for name in bound_names(tree)}

    assert names >= ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "def f(most): ...",
        "def is_late(): ...",
        "class Outside: ...",
        "self.place = 1",
        "_MOST_PARTS = 8",
        "[one for one in ()]",
        "import os as there",
        "try: ...\nexcept OSError as ill: ...",
        "(asked := 1)",
    ],
)
def test_each_kind_of_name_is_seen(source: str) -> None:
    """A private word is seen in each kind of bound name."""
    assert len(private_names(ast.parse(source))) == 1


def test_other_names_are_fine() -> None:
    """Words that only contain a private one are no private words."""
    tree = ast.parse("almost, replace, alone, background, bits, its_ = (), (), (), (), (), ()")

    assert private_names(tree) == {"its_"}
