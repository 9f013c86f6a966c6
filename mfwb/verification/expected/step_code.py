"""What the code of each step stores and loads, read off its text by plain rules.

A store is `self.NAME = ...` in any form, a load is `self.NAME`, and the methods that a step calls
by `self.METHOD(...)` count with it. Which way the code goes is not followed. So what is found here
may be stored or loaded; what is not found may be, too, if the code is not certain: `is_certain`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mfwb.verification.expected.facts import FlowRunFacts

__all__ = ["StepCode", "read_step_code"]

_MAX_FILE = 5_000_000  # bytes
_CLIENT = frozenset({"Run", "Flow", "Task", "Step", "DataArtifact", "trigger"})
_PERHAPS = (
    *(ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp),
    *(ast.GeneratorExp, ast.Compare),
)
_SAFE_METHODS = frozenset({"next", "merge_artifacts"})


@dataclass(frozen=True, slots=True)
class StepCode:
    """What a step does with artifacts.

    Attributes:
        stores: names that its own function assigns.
        changes: names whose value something may change in place: `self.xs.append(x)`.
        helper_stores: names that only methods that it calls assign.
        loads: names that it loads from `self`, and does not store or delete itself, or surely
            only after it has loaded them.
        input_loads: names that it loads from one of its inputs.
        from_all_inputs: those of them that it loads from every input, in a loop over `inputs`.
        is_certain: whether nothing else can be stored or loaded: no `setattr`, no `self` that is
            handed on, no decorators but Metaflow's.
        uses_client: whether it names something of Metaflow's client, and so perhaps reads
            artifacts of other flow runs.
    """

    stores: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    helper_stores: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()
    input_loads: frozenset[str] = frozenset()
    from_all_inputs: frozenset[str] = frozenset()
    is_certain: bool = True
    uses_client: bool = False


def read_step_code(facts: FlowRunFacts) -> dict[str, StepCode]:
    """Return what each step does, by name; a step whose code is not known is missing."""
    texts = _texts(facts)
    modules: dict[str, ast.Module | None] = {}
    result: dict[str, StepCode] = {}
    for step, text in texts.items():
        if text not in modules:
            modules[text] = _parse(text)
        module = modules[text]
        code = None if module is None else _step(module, step)
        if code is not None:
            result[step] = code
    return result


def _texts(facts: FlowRunFacts) -> dict[str, str]:
    """Return the text of the file of each step, if it is what ran."""
    texts: dict[str, str] = {}
    for step, source in facts.sources.items():
        if facts.code is not None:
            name = Path(source).name
            matches = [text for path, text in facts.code.items() if Path(path).name == name]
            if len(matches) == 1:
                texts[step] = matches[0]
        elif text := _unchanged(Path(source), facts.started_at):
            texts[step] = text
    return texts


def _unchanged(path: Path, started_at: int) -> str | None:
    """Return a file's text; None if it is not there, or was changed after the flow run began."""
    try:
        status = path.stat()
        if status.st_mtime * 1000 > started_at or status.st_size > _MAX_FILE:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass
class _Method:
    """One function of the flow's classes."""

    stores: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    first_loads: set[str] = field(default_factory=set)  # before anything is stored
    input_loads: set[str] = field(default_factory=set)
    from_all_inputs: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    is_certain: bool = True
    uses_client: bool = False


def _step(module: ast.Module, step: str) -> StepCode | None:
    functions: dict[str, list[ast.FunctionDef]] = {}
    classes = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    for definition in classes:
        for node in definition.body:
            if isinstance(node, ast.FunctionDef):
                functions.setdefault(node.name, []).append(node)
    if len(functions.get(step, ())) != 1:
        return None
    own = _method(functions[step][0])
    known = {name for name, nodes in functions.items() if len(nodes) == 1}
    helpers: set[str] = set()
    waiting = [*own.calls]
    is_certain = own.is_certain
    merged = _Method()
    while waiting:
        name = waiting.pop()
        if name in helpers or name in _SAFE_METHODS:
            continue
        helpers.add(name)
        if name not in known:
            if name in functions:
                is_certain = False
            continue  # an artifact that is called, or a method of Metaflow's
        method = _method(functions[name][0])
        merged.stores |= method.stores
        merged.deletes |= method.deletes
        merged.changes |= method.changes
        merged.loads |= method.loads
        is_certain = is_certain and method.is_certain
        own.uses_client = own.uses_client or method.uses_client
        waiting += method.calls
    called = helpers & known
    stored = own.stores | merged.stores | own.deletes | merged.deletes
    return StepCode(
        stores=frozenset(own.stores),
        changes=frozenset(own.changes | merged.changes),
        helper_stores=frozenset(merged.stores - own.stores),
        loads=frozenset(
            ((own.loads | merged.loads) - stored - called)
            | (own.first_loads - own.calls - merged.stores - merged.deletes)
        ),
        input_loads=frozenset(own.input_loads),
        from_all_inputs=frozenset(own.from_all_inputs),
        is_certain=is_certain and len(classes) == 1,
        uses_client=own.uses_client or _names_client(module),
    )


def _names_client(module: ast.Module) -> bool:
    return any(isinstance(node, ast.Name) and node.id in _CLIENT for node in ast.walk(module))


def _method(node: ast.FunctionDef) -> _Method:
    result = _Method()
    arguments = [argument.arg for argument in node.args.args]
    itself = arguments[0] if arguments else ""
    inputs = arguments[1] if len(arguments) == 2 else ""  # noqa: PLR2004 - self and inputs
    if any(not _is_of_metaflow(decorator) for decorator in node.decorator_list):
        result.is_certain = False
    result.first_loads = set(_first_loads(node, itself))
    items = _loop_names(node, inputs)
    parents = {child: parent for parent in ast.walk(node) for child in ast.iter_child_nodes(parent)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            if inner.value.id == itself:
                _note(result, inner, parents)
            elif inner.value.id in items and isinstance(inner.ctx, ast.Load):
                result.input_loads.add(inner.attr)
                result.from_all_inputs.add(inner.attr)
        if inputs and isinstance(inner, ast.Attribute) and _is_an_input(inner.value, inputs):
            result.input_loads.add(inner.attr)
        is_itself = isinstance(inner, ast.Name) and inner.id == itself
        if is_itself and not isinstance(parents.get(inner), ast.Attribute):
            result.is_certain = False  # `self` itself is handed on
        if isinstance(inner, ast.Attribute) and inner.attr == "trigger":
            result.uses_client = True
    return result


def _first_loads(function: ast.FunctionDef, itself: str) -> Iterator[str]:
    """Yield names that the function surely loads before it stores or deletes them.

    Only its plain statements count, from the first one on: what is in a branch, a loop, a lambda
    or behind `and` may not run. A call of a method may end the function no earlier than it would.
    """
    changed: set[str] = set()
    for statement in function.body:
        loads, changes = _loads_and_changes(statement, itself)
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr):
            if isinstance(statement, ast.AugAssign):
                loads |= {name for name in changes if _is_target(statement.target, itself, name)}
            yield from loads - changed
        if isinstance(statement, ast.Return | ast.Raise):
            return
        changed |= changes


def _loads_and_changes(statement: ast.stmt, itself: str) -> tuple[set[str], set[str]]:
    loads: set[str] = set()
    changes: set[str] = set()
    waiting: list[tuple[ast.AST, bool]] = [(statement, True)]
    while waiting:
        node, is_sure = waiting.pop()
        if isinstance(node, ast.Attribute) and _is_target(node, itself, node.attr):
            if not isinstance(node.ctx, ast.Load):
                changes.add(node.attr)
            elif is_sure:
                loads.add(node.attr)
        is_sure = is_sure and not isinstance(node, _PERHAPS)
        waiting += [(child, is_sure) for child in ast.iter_child_nodes(node)]
    return loads, changes


def _is_target(node: ast.AST, itself: str, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == itself
    )


def _note(result: _Method, node: ast.Attribute, parents: Mapping[ast.AST, ast.AST]) -> None:
    parent = parents.get(node)
    if isinstance(node.ctx, ast.Del):
        result.deletes.add(node.attr)  # Metaflow keeps an inherited artifact nevertheless
        return
    if isinstance(node.ctx, ast.Store):
        result.stores.add(node.attr)
        return
    if isinstance(parent, ast.Call) and parent.func is node:
        result.calls.add(node.attr)
        return
    result.loads.add(node.attr)
    is_argument = isinstance(parent, ast.Call)
    if is_argument or isinstance(parent, ast.Attribute | ast.Subscript):
        result.changes.add(node.attr)  # perhaps: a method, an item or a function may change it


def _is_of_metaflow(decorator: ast.expr) -> bool:
    """Whether a decorator is one whose name says that Metaflow has it."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = target.id if isinstance(target, ast.Name) else ""
    return name in {
        *("step", "retry", "catch", "card", "timeout", "environment", "resources", "batch"),
        *("kubernetes", "parallel", "conda", "pypi", "secrets", "schedule", "project"),
        *("staticmethod", "classmethod"),
    }


def _loop_names(node: ast.AST, inputs: str) -> set[str]:
    """Return the names of variables that go over all inputs."""
    loops: Iterable[ast.For | ast.comprehension] = (
        loop for loop in ast.walk(node) if isinstance(loop, ast.For | ast.comprehension)
    )
    return {
        loop.target.id
        for loop in loops
        if inputs
        and isinstance(loop.iter, ast.Name)
        and loop.iter.id == inputs
        and isinstance(loop.target, ast.Name)
    }


def _is_an_input(node: ast.expr, inputs: str) -> bool:
    """Whether an expression is `inputs.branch` or `inputs[0]`."""
    return (
        isinstance(node, ast.Attribute | ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == inputs
    )
