"""Targets of assignments and deletions."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import partial

from mfwb.lineage.static_analysis.calls.attributes import (
    delete_attribute,
    read_attribute,
    write_attribute,
)
from mfwb.lineage.static_analysis.calls.elements import element_of, unpack
from mfwb.lineage.static_analysis.domain.bounds import (
    forget_structure,
    merge_alike,
    simplify,
    union,
    value_of,
)
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    OTHER,
    Atom,
    Container,
    DictOf,
    FlowDict,
    FlowSelf,
    Iter,
    Map,
    Nested,
    Other,
    Text,
    Tup,
    Value,
    holds_flow,
    strings_of,
)
from mfwb.lineage.static_analysis.frame import Frame, is_flow
from mfwb.lineage.static_analysis.program.classes import name_of

__all__ = [
    "assign",
    "delete",
    "delete_by_name",
    "is_container",
    "put_into",
    "read_target",
    "write_by_name",
]


def assign(frame: Frame, target: ast.expr, value: Value) -> None:
    """Assign a value to a target of any form."""
    if isinstance(target, ast.Name):
        _assign_name(frame, target, value)
    elif isinstance(target, ast.Attribute):
        owner = frame.evaluate(target.value)
        if holds_flow(value):
            frame.doubt(target, f"the flow or an input is stored in {name_of(target)}")
        write_attribute(frame, owner, target.attr, target)
        if FlowSelf() in owner:
            frame.note_stored_run_ids(target.attr, value)
    elif isinstance(target, ast.Subscript):
        _assign_item(frame, target, value)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(frame, target.elts, value)
    elif isinstance(target, ast.Starred):
        assign(frame, target.value, value)


def _assign_name(frame: Frame, target: ast.Name, value: Value) -> None:
    if target.id not in frame.local_names and holds_flow(value) and frame.local_names:
        frame.doubt(target, f"the flow or an input is stored in {target.id}, which is not local")
    frame.state.names[target.id] = value


def _unpack(frame: Frame, targets: list[ast.expr], value: Value) -> None:
    starred = next((i for i, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
    for index, target in enumerate(targets):
        if index == starred:
            assign(frame, target, value_of(Iter(element_of(value))))
        elif starred is not None and index > starred:
            assign(frame, target, unpack(value, index - len(targets)))
        else:
            assign(frame, target, unpack(value, index))


def _assign_item(frame: Frame, target: ast.Subscript, value: Value) -> None:
    owner = frame.evaluate_holder(target.value)
    key = frame.evaluate(target.slice)
    for atom in owner:
        if isinstance(atom, FlowDict):
            write_by_name(frame, atom.owner, key, target)
    if any(is_container(atom) for atom in owner) or holds_flow(value):
        put_into(frame, target.value, value, target)


def put_into(frame: Frame, container: ast.expr, value: Value, node: ast.AST) -> None:
    """Note that a container changes, and that `value` may be in it from now on."""
    name = container.id if isinstance(container, ast.Name) else None
    if name is not None and name in frame.own_containers:
        frame.state.names[name] = _loosened(frame, frame.name_value(name), value)
        return
    if holds_flow(value):
        frame.doubt(node, f"the flow or an input is stored in {name_of(container)}")
    for other, held in frame.state.names.items():  # all names that share the container change, too
        if any(is_container(atom) for atom in held):
            frame.state.names[other] = _loosened(frame, held, value)


def is_container(atom: Atom) -> bool:
    """Return whether an atom is a list, dict or another container with known content."""
    return isinstance(atom, DictOf | Iter | Map | Nested | Tup)


def _loosened(frame: Frame, held: Value, value: Value) -> Value:
    """Return a possible container with `value` added, in any order."""
    frame.study.spend(1 + sum(atom.weight for atom in held if isinstance(atom, Container)) // 8)
    return _with_all(held, value)


def _with_all(held: Value, value: Value) -> Value:
    return simplify(merge_alike(union(_with(atom, value) for atom in held)))


def _with(atom: Atom, value: Value) -> Value:
    if isinstance(atom, DictOf | Map):
        return value_of(Map(_inside(atom, value)))
    if isinstance(atom, Iter | Tup):
        return value_of(Iter(_inside(atom, value)))
    if isinstance(atom, Nested):
        return forget_structure(value_of(atom) | value)
    if isinstance(atom, Other | Text) and holds_flow(value):
        return value_of(OTHER, Iter(value), Map(value))
    return value_of(atom)


def _inside(atom: Container, value: Value) -> Value:
    """Return the possible content of a container after it, or a container in it, got a value."""
    return union([value, *(_with_all(value, value) for value in atom.held())])


def write_by_name(frame: Frame, owner: Atom, key: Value, node: ast.AST) -> None:
    """Note an assignment to an attribute with a computed name."""

    def write(name: str) -> Value:
        write_attribute(frame, value_of(owner), name, node)
        return ANYTHING

    if names := _artifact_names(frame, owner, key, node, "writes"):
        frame.follow_either(*(partial(write, name) for name in sorted(names)))


def delete_by_name(frame: Frame, owner: Atom, key: Value, node: ast.AST) -> None:
    """Note the deletion of an attribute with a computed name."""
    for name in _artifact_names(frame, owner, key, node, "deletes"):
        delete_attribute(frame, value_of(owner), name)


def _artifact_names(
    frame: Frame, owner: Atom, key: Value, node: ast.AST, what: str
) -> Collection[str]:
    """Return the artifacts that an expression may name, and note a doubt if any name is possible.

    Args:
        frame: the function under analysis.
        owner: the owner of the attribute; only a flow has artifacts.
        key: the value of the expression.
        node: the assignment or deletion.
        what: the verb for the doubt.
    """
    if not isinstance(owner, FlowSelf):
        return ()
    names = strings_of(key)
    if names is None:
        frame.doubt(node, f"{what} an artifact by a computed name")
    return names or ()


def delete(frame: Frame, target: ast.expr) -> None:
    """Delete a target of any form."""
    if isinstance(target, ast.Attribute):
        delete_attribute(frame, frame.evaluate(target.value), target.attr)
    elif isinstance(target, ast.Name):
        frame.state.names[target.id] = ANYTHING
    elif isinstance(target, ast.Subscript):
        owner, key = frame.evaluate_holder(target.value), frame.evaluate(target.slice)
        for atom in owner:
            if isinstance(atom, FlowDict):
                delete_by_name(frame, atom.owner, key, target)
        if any(is_container(atom) for atom in owner):
            put_into(frame, target.value, frozenset(), target)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            delete(frame, element)


def read_target(frame: Frame, target: ast.expr) -> Value:
    """Return the value of the target of an augmented assignment, and note the read."""
    if isinstance(target, ast.Attribute):
        owner = frame.evaluate(target.value)
        for atom in owner:
            if is_flow(atom):
                read_attribute(frame, atom, target.attr, target)
        return ANYTHING
    if isinstance(target, ast.Subscript):
        frame.evaluate(ast.Subscript(target.value, target.slice, ast.Load(), lineno=target.lineno))
        return ANYTHING
    return frame.evaluate(target)
