"""Expressions other than calls and attributes: names, containers, choices, inner functions."""

from __future__ import annotations

import ast
from functools import partial

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.attributes import read_attribute
from mfwb.lineage.static_analysis.calls.client import client_item, is_client, metaflow_object
from mfwb.lineage.static_analysis.calls.elements import element_of, entries_of, item_of, slice_of
from mfwb.lineage.static_analysis.calls.follow import defer, summarise
from mfwb.lineage.static_analysis.domain.bounds import union, value_of
from mfwb.lineage.static_analysis.domain.text_values import concatenate, get_text_parts
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    Const,
    DictOf,
    ExternalName,
    FlowDict,
    FunctionNode,
    Inputs,
    Iter,
    Local,
    Map,
    Tup,
    Value,
    holds_flow,
    only,
    strings_of,
)
from mfwb.lineage.static_analysis.frame import Frame, evaluates, is_flow
from mfwb.lineage.static_analysis.program.literals import add_values, constant, format_values
from mfwb.lineage.static_analysis.syntax.targets import assign

__all__ = ["define_function"]


@evaluates(ast.Constant)
def _constant(_frame: Frame, node: ast.Constant) -> Value:
    return constant(node.value)


@evaluates(ast.Name)
def _name(frame: Frame, node: ast.Name) -> Value:
    value = frame.name_value(node.id)
    atom = only(value)
    if isinstance(atom, ExternalName):
        return metaflow_object(atom.dotted) or value
    return value


@evaluates(ast.List, ast.Tuple, ast.Set)
def _display(frame: Frame, node: ast.List | ast.Tuple | ast.Set) -> Value:
    items: list[Value] = []
    open_ended: list[Value] = []
    for element in node.elts:
        value = frame.evaluate(element)
        if isinstance(element, ast.Starred):
            open_ended.append(value)
        else:
            items.append(value)
    if open_ended:
        return value_of(Iter(union([*items, *open_ended])))
    return value_of(Tup(tuple(items)))


@evaluates(ast.Starred)
def _starred(frame: Frame, node: ast.Starred) -> Value:
    return element_of(frame.evaluate(node.value))


@evaluates(ast.Dict)
def _dict(frame: Frame, node: ast.Dict) -> Value:
    keys: list[str | int | None] = []
    values: list[Value] = []
    for key, entry in zip(node.keys, node.values, strict=True):
        atom = only(frame.evaluate(key)) if key is not None else None
        keys.append(atom.value if isinstance(atom, Const) else None)
        value = frame.evaluate(entry)
        values.append(value if key is not None else union(map(entries_of, value)))
    known = tuple(key for key in keys if key is not None)
    if len(known) == len(values):
        return value_of(DictOf(known, tuple(values)))
    return value_of(Map(union(values)))


@evaluates(ast.JoinedStr)
def _formatted(frame: Frame, node: ast.JoinedStr) -> Value:
    text = value_of(Const(""))
    for piece in node.values:
        inside = piece.value if isinstance(piece, ast.FormattedValue) else piece
        parts = get_text_parts(frame.evaluate(inside))
        if isinstance(piece, ast.FormattedValue):
            if piece.format_spec is not None:
                frame.evaluate(piece.format_spec)
                parts = None
            if piece.conversion not in {-1, ord("s")}:
                parts = None
        text = concatenate(get_text_parts(text), parts)
    return text


@evaluates(ast.NamedExpr)
def _walrus(frame: Frame, node: ast.NamedExpr) -> Value:
    value = frame.evaluate(node.value)
    assign(frame, node.target, value)
    return value


@evaluates(ast.BinOp)
def _binary(frame: Frame, node: ast.BinOp) -> Value:
    left, right = frame.evaluate(node.left), frame.evaluate(node.right)
    if holds_flow(left | right):
        return value_of(Iter(union([element_of(left), element_of(right)])))
    if isinstance(node.op, ast.Mod):
        return format_values(left, right)
    return add_values(left, right) if isinstance(node.op, ast.Add) else ANYTHING


@evaluates(ast.UnaryOp)
def _unary(frame: Frame, node: ast.UnaryOp) -> Value:
    atom = only(frame.evaluate(node.operand))
    if isinstance(node.op, ast.USub) and isinstance(atom, Const) and isinstance(atom.value, int):
        return value_of(Const(-atom.value))
    return ANYTHING


@evaluates(ast.BoolOp)
def _short_circuit(frame: Frame, node: ast.BoolOp) -> Value:
    value = frame.evaluate(node.values[0])
    for later in node.values[1:]:
        value |= frame.follow_either(_nothing, partial(frame.evaluate, later))
    return value


@evaluates(ast.Compare)
def _comparison(frame: Frame, node: ast.Compare) -> Value:
    frame.evaluate(node.left)
    frame.evaluate(node.comparators[0])
    for later in node.comparators[1:]:
        frame.follow_either(_nothing, partial(frame.evaluate, later))
    return ANYTHING


def _nothing() -> Value:
    return frozenset()


@evaluates(ast.IfExp)
def _choice(frame: Frame, node: ast.IfExp) -> Value:
    frame.evaluate(node.test)
    return frame.follow_either(
        lambda: frame.evaluate(node.body), lambda: frame.evaluate(node.orelse)
    )


@evaluates(ast.Subscript)
def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    owner = frame.evaluate_holder(node.value)
    key = frame.evaluate(node.slice)
    if isinstance(node.slice, ast.Slice):
        return slice_of(owner)
    return union(_item(frame, atom, key, node) for atom in owner)


def _item(frame: Frame, atom: Atom, key: Value, node: ast.Subscript) -> Value:
    if isinstance(atom, FlowDict):
        return by_name(frame, atom.owner, key, node)
    if is_client(atom):
        return client_item(frame, atom, key)
    return item_of(value_of(atom), key)


def by_name(frame: Frame, owner: Atom, key: Value, node: ast.AST) -> Value:
    """Return the value of an attribute with a computed name."""
    names = strings_of(key)
    if names is not None:
        return union(read_attribute(frame, owner, name, node) for name in sorted(names))
    if is_flow(owner):
        frame.doubt(node, "reads an artifact by a computed name")
    elif isinstance(owner, Inputs):
        return element_of(value_of(owner))
    return ANYTHING


@evaluates(ast.Lambda)
def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    return define_function(frame, node)


def define_function(frame: Frame, node: FunctionNode) -> Value:
    """Return an inner function. Its effects may happen at any time from here on."""
    for default in [*node.args.defaults, *node.args.kw_defaults]:
        if default is not None:
            frame.evaluate(default)
    local = Local(frame.study.project.function(node, frame.module), frame)
    defer(frame, summarise(frame, local.func, Args(rest=ANYTHING), home=frame))
    return value_of(local)


@evaluates(ast.Yield)
def _yield(frame: Frame, node: ast.Yield) -> Value:
    value = frame.evaluate(node.value) if node.value else ANYTHING
    frame.yielded = value | (frame.yielded or frozenset())
    return ANYTHING


@evaluates(ast.YieldFrom)
def _yield_from(frame: Frame, node: ast.YieldFrom) -> Value:
    value = element_of(frame.evaluate(node.value))
    frame.yielded = value | (frame.yielded or frozenset())
    return ANYTHING


@evaluates(ast.Await)
def _await(frame: Frame, node: ast.Await) -> Value:
    return frame.evaluate(node.value)
