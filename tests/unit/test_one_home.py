"""One home for each rule: what says the same in a second place drifts from it, unseen.

A row of `RULES` says how a second home would look, and which modules may look like that. Whoever
gives a rule its one home adds a row.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeGuard

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


def text_with(pattern: str) -> Look:
    """Return what finds texts in which a pattern occurs; docstrings don't count."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.search(pattern, text) and id(node) not in docstrings:
                yield node

    return look


def attribute_called(name: str) -> Look:
    """Return what finds attributes of a name that are looked at."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == name:
                yield node

    return look


def keyword_given(name: str, *, value: object) -> Look:
    """Return what finds calls that give an argument by name, and that very value."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            given = node.value if isinstance(node, ast.keyword) and node.arg == name else None
            if isinstance(given, ast.Constant) and given.value is value:
                yield node

    return look


def silent_class_with(*methods: str) -> Look:
    """Return what finds classes, no Protocols, whose methods of some names do nothing at all."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.bases:
                silent = {one.name for one in node.body if _is_silent(one)}
                if silent.issuperset(methods):
                    yield node

    return look


def _is_silent(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """Return whether a method has nothing but a docstring, `pass` or `...`."""
    return isinstance(node, ast.FunctionDef) and all(
        isinstance(one, ast.Pass)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in node.body
    )


def item_of(attribute: str) -> Look:
    """Return what finds items that are taken out of an attribute: `plan.source["start"]`."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            whole = node.value if isinstance(node, ast.Subscript) else None
            if isinstance(whole, ast.Attribute) and whole.attr == attribute:
                yield node

    return look


def text_split_at(separator: str) -> Look:
    """Return what finds calls of `split`, `partition` and their like for a separator."""

    def look(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                said = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
                if node.func.attr in _SPLITS and said == [separator]:
                    yield node

    return look


_SPLITS = frozenset({"split", "rsplit", "partition", "rpartition"})


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
    Rule(
        "the parts of a pathspec",
        text_split_at("/"),
        (
            "snapshot/pathspec.py",
            # These take other things apart: files, folders and URLs,
            "payload/file_names.py",
            "planning/names.py",  # and `entity/project`
            "report/explain/files.py",
            "sink/content/media.py",
            "source/to_snapshot.py",
            "source/datastore/roots.py",
            "source/script_files.py",
            "source/tarball.py",
            # and positions in foreaches.
            "planning/draft.py",
        ),
    ),
    Rule(
        "what stands for the parameters where steps stand",
        text_with(r"(?:^|/)_parameters\b"),
        ("snapshot/pathspec.py", "cli/commands/explain.py"),  # an example in the help
    ),
    Rule(
        "what the source of a flow says",
        imports("mfwb.python_ast"),
        (
            "lineage/static_analysis/program/modules.py",  # parses it, for all of the analysis
            "lineage/static_analysis/analyze.py",
            "source/script_files.py",  # looks for imports: which files are its source
        ),
    ),
    Rule("which flow run of a pathspec it is", item_of("source"), ()),
    Rule("from when on numbers are such ids", number(10**15), ("snapshot/pathspec.py",)),
    Rule(
        "text as one printable line",
        function_called("one_line", "_one_line", "first_line", "single_line"),
        ("safe_text.py",),
    ),
    Rule("what was meant by a name that is not there", imports("difflib"), ("suggestions.py",)),
    Rule(
        "progress that nobody looks at",
        silent_class_with("flow_run", "wandb_runs", "advance"),
        ("ports/progress.py",),
    ),
    Rule(
        "how long wandb-core outlives who started it",
        constant_called("CORE_EXIT_SECONDS", "_CORE_EXIT_SECONDS", "CORE_OUTLIVES"),
        ("sink/client/private.py",),
    ),
    Rule("how slow an upload may be", number(256 * 1024), ("sink/client/retry_budget.py",)),
    Rule(
        "what stands for letters that an output lacks",
        attribute_called("maketrans"),
        ("safe_text.py",),
    ),
    Rule(
        "whether an output takes all letters",
        text_with(r"^utf$"),
        ("cli/streams.py",),
    ),
    Rule(
        "a document for any output",
        keyword_given("ascii_only", value=True),
        ("report/json_output.py",),
    ),
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
