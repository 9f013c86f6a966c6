"""Members of the flow class: the values of methods, properties and constants."""

from __future__ import annotations

import ast

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.follow import follow
from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    Bound,
    ClassAtom,
    ClassInfo,
    Func,
    InputAtom,
    Text,
    Value,
    only,
)
from mfwb.lineage.static_analysis.frame import Frame
from mfwb.lineage.static_analysis.program.classes import value_of_name
from mfwb.lineage.static_analysis.program.literals import literal_value
from mfwb.lineage.static_analysis.result import ArtifactValue, InputRead

__all__ = ["kinds_of", "member", "note_read"]

_CONSTANT = 5  # pieces of work to look up a class variable
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PROPERTIES = frozenset({"property", "cached_property", "abstractproperty"})


def note_read(frame: Frame, atom: Atom, name: str) -> Value:
    """Note a read of an artifact of the flow or of an input, and return its value."""
    if isinstance(atom, InputAtom):
        frame.read_input(atom, name)
        return value_of(
            Text((ArtifactValue(name, of_input=InputRead(name, atom.branch, atom.index)),))
        )
    frame.read(name)
    return value_of(Text((ArtifactValue(name),)))


def member(
    frame: Frame, atom: Atom, name: str, definition: tuple[ClassInfo, list[ast.stmt]]
) -> Value:
    """Return the value of a member of the flow class that is read through an object."""
    info, statements = definition
    last = statements[-1]
    if isinstance(last, _FUNCTIONS):
        getter = frame.study.project.function(statements[0], info.module, info)  # type: ignore[arg-type]
        return _function(frame, atom, getter, statements)
    if isinstance(last, ast.ClassDef):
        return value_of(ClassAtom(frame.study.project.class_info(last, info.module)))
    func = _function_under_another_name(frame, info, name, getattr(last, "value", None))
    if func is not None:
        return value_of(Bound(func, atom))
    artifact_value = note_read(frame, atom, name)
    if frame.study.project.reassigns(name):
        return artifact_value
    constant = _constant(frame, info, statements, frozenset())
    return artifact_value if constant == ANYTHING else constant


def _function_under_another_name(
    frame: Frame, info: ClassInfo, name: str, value: ast.expr | None
) -> Func | None:
    """Return the function in `h = lambda self: ...` and `h = g` of a class, if it is one."""
    project = frame.study.project
    if isinstance(value, ast.Lambda):
        return project.function(value, info.module, info)
    if isinstance(value, ast.Name) and value.id in info.members and value.id != name:
        last = info.members[value.id][-1]
        return project.function(last, info.module, info) if isinstance(last, _FUNCTIONS) else None
    if isinstance(value, ast.Name | ast.Attribute):
        atom = only(value_of_name(project, info.module, value))
        return atom if isinstance(atom, Func) else None
    return None


def _function(frame: Frame, atom: Atom, func: Func, statements: list[ast.stmt]) -> Value:
    project, info = frame.study.project, func.owner
    kinds = kinds_of(frame, statements[0])
    if kinds & _PROPERTIES:
        return follow(frame, func, Args((value_of(atom),)))
    last = project.function(statements[-1], func.module, info)  # type: ignore[arg-type]
    kinds = kinds_of(frame, statements[-1])
    if "staticmethod" in kinds:
        return value_of(last)
    if "classmethod" in kinds:
        return value_of(Bound(last, ClassAtom(frame.study.flow.info)))
    return value_of(Bound(last, atom))


def kinds_of(frame: Frame, node: ast.stmt) -> set[str]:
    """Return the last parts of the names of a function's decorators."""
    return frame.study.compute_once(node, _kinds_of)


def _kinds_of(node: ast.AST) -> set[str]:
    decorators = getattr(node, "decorator_list", [])
    targets = [
        decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in decorators
    ]
    return {
        decorator.attr if isinstance(decorator, ast.Attribute) else decorator.id
        for decorator in targets
        if isinstance(decorator, ast.Attribute | ast.Name)
    }


def _constant(
    frame: Frame, info: ClassInfo, statements: list[ast.stmt], above: frozenset[str]
) -> Value:
    """Return the value of a class variable. `above`: the class variables that refer to it."""
    frame.study.spend(_CONSTANT)
    last = statements[-1]
    if len(statements) > 1 or not isinstance(last, ast.Assign | ast.AnnAssign) or not last.value:
        return ANYTHING

    def lookup(name: str) -> Value | None:
        if name in info.members and name not in above:
            return _constant(frame, info, info.members[name], above | {name})
        return frame.study.project.lookup(info.module, name)

    return literal_value(last.value, lookup)
