"""Reads, writes and deletes of attributes: of the flow object, of inputs and of other values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.client import client_attribute
from mfwb.lineage.static_analysis.calls.follow import follow
from mfwb.lineage.static_analysis.calls.members import kinds_of, member, note_read
from mfwb.lineage.static_analysis.domain.bounds import union, value_of
from mfwb.lineage.static_analysis.domain.state import merge_states
from mfwb.lineage.static_analysis.domain.text_values import item_of_text
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Api,
    Atom,
    Bound,
    ClassAtom,
    Client,
    ClientData,
    Current,
    DictOf,
    ExternalName,
    FlowDict,
    FlowSelf,
    InputAtom,
    Inputs,
    Iter,
    Map,
    MethodOf,
    ModuleAtom,
    Nested,
    Super,
    Text,
    Trigger,
    Tup,
    Value,
)
from mfwb.lineage.static_analysis.frame import Frame, evaluates
from mfwb.lineage.static_analysis.program.metaflow_names import FLOW_API, PRIVATE_ATTRIBUTES
from mfwb.lineage.static_analysis.result import ArtifactValue

__all__ = ["delete_attribute", "flow_dict", "read_attribute", "write_attribute"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PROPERTIES = frozenset({"property", "cached_property", "abstractproperty"})


@evaluates(ast.Attribute)
def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    owner = frame.evaluate(node.value)
    return union(read_attribute(frame, atom, node.attr, node) for atom in owner)


def read_attribute(frame: Frame, atom: Atom, name: str, node: ast.AST) -> Value:
    """Return the value of `atom.name`, and note the read."""
    if isinstance(atom, FlowSelf | InputAtom | ClientData):
        own = isinstance(atom, FlowSelf)
        frame.locate(frame.mangled(name) if own else name, node)
    reader = _READERS.get(type(atom))
    return reader(frame, atom, name, node) if reader else ANYTHING


def _of_module(frame: Frame, atom: Atom, name: str, _node: ast.AST) -> Value:
    return frame.study.project.attribute(atom, name)


def _of_client(frame: Frame, atom: Atom, name: str, _node: ast.AST) -> Value:
    return client_attribute(frame, atom, name)


def _of_text(_frame: Frame, atom: Text, name: str, _node: ast.AST) -> Value:
    return item_of_text(atom, name)


def _of_container(_frame: Frame, atom: Atom, name: str, _node: ast.AST) -> Value:
    return value_of(MethodOf(atom, name))


def _of_flow(frame: Frame, atom: Atom, name: str, node: ast.AST) -> Value:
    name = frame.mangled(name)
    definition = frame.study.flow.find(name)
    if definition is not None:
        return member(frame, atom, name, definition)
    if name in FLOW_API:
        return _of_api(frame, atom, name)
    if name.startswith("__") and name.endswith("__"):
        return _special(frame, atom, name, node)
    if name in PRIVATE_ATTRIBUTES:
        frame.doubt(node, f"{name} uses Metaflow's internals")
        return ANYTHING
    return note_read(frame, atom, name)


def _of_api(frame: Frame, atom: Atom, name: str) -> Value:
    if name == "input":
        if isinstance(atom, InputAtom):
            frame.effects.reads_item_of_inputs = True
        else:
            frame.effects.reads_input = True
            return value_of(Text((ArtifactValue(""),)))
        return ANYTHING
    return value_of(Api(name, atom))


def _special(frame: Frame, atom: Atom, name: str, node: ast.AST) -> Value:
    if name == "__dict__":
        return flow_dict(frame, (atom,), node)
    if name == "__class__":
        return value_of(ClassAtom(frame.study.flow.info))
    if name in {"__getattribute__", "__getattr__", "__setattr__", "__delattr__", "__reduce__"}:
        frame.doubt(node, f"{name} may read any artifact")
    return ANYTHING


def flow_dict(frame: Frame, owners: Iterable[Atom], node: ast.AST) -> Value:
    """Return `__dict__` of the flow or inputs, with a doubt unless it is subscripted."""
    if id(node) not in frame.holders:
        frame.doubt(node, "__dict__ is used as a whole")
    return value_of(*(FlowDict(atom) for atom in owners))


def _of_inputs(frame: Frame, atom: Inputs, name: str, node: ast.AST) -> Value:
    if name == "flows":
        return value_of(atom)
    if name.startswith("__"):
        frame.doubt(node, f"{name} of the inputs may return any artifact")
        return ANYTHING
    return value_of(InputAtom(branch=name))


def _of_super(frame: Frame, atom: Super, name: str, node: ast.AST) -> Value:
    definition = frame.study.flow.find(name, after=atom.after)
    if definition is not None:
        return member(frame, atom.receiver, name, definition)
    if name in FLOW_API:
        return _of_api(frame, atom.receiver, name)
    if name in {"__getattribute__", "__getattr__", "__setattr__", "__delattr__"}:
        frame.doubt(node, f"super().{name} may read any artifact")
    return ANYTHING


def _of_class(frame: Frame, atom: ClassAtom, name: str, node: ast.AST) -> Value:
    flow = frame.study.flow
    if atom.info not in flow.order:
        return ANYTHING
    if name in {"__dict__", "__getattribute__"}:
        frame.doubt(node, f"{name} may read any artifact")
    after = flow.order.index(atom.info)
    definition = flow.find(name, after=flow.order[after - 1] if after else None)
    if definition is None:
        return ANYTHING
    info, statements = definition
    last = statements[-1]
    if not isinstance(last, _FUNCTIONS):
        return member(frame, FlowSelf(), name, definition)
    func = frame.study.project.function(last, info.module, info)
    if "classmethod" in kinds_of(frame, last):
        return value_of(Bound(func, ClassAtom(flow.info)))
    return value_of(func)


_READERS: dict[type[Atom], Callable[[Frame, Any, str, ast.AST], Value]] = {
    **dict.fromkeys((FlowSelf, InputAtom), _of_flow),
    **dict.fromkeys((ModuleAtom, ExternalName), _of_module),
    **dict.fromkeys((Client, ClientData, Current, Trigger), _of_client),
    **dict.fromkeys((DictOf, Iter, Map, Nested, Tup), _of_container),
    ClassAtom: _of_class,
    Inputs: _of_inputs,
    Super: _of_super,
    Text: _of_text,
}


def write_attribute(frame: Frame, owner: Value, name: str, node: ast.AST) -> None:
    """Note that `owner.name` is assigned."""
    name = frame.mangled(name)
    before = frame.state.copy()
    for atom in owner:
        if isinstance(atom, FlowSelf):
            _write_flow(frame, name, node)
    if len(owner) > 1:
        frame.state = merge_states(before, frame.state)


def _write_flow(frame: Frame, name: str, node: ast.AST) -> None:
    definition = frame.study.flow.find(name)
    statements = definition[1] if definition else []
    if any(kinds_of(frame, statement) & {"property", "setter"} for statement in statements):
        setters = [statement for statement in statements if "setter" in kinds_of(frame, statement)]
        if definition and setters:
            func = frame.study.project.function(setters[-1], definition[0].module, definition[0])  # type: ignore[arg-type]
            follow(frame, func, Args((value_of(FlowSelf()), ANYTHING)))
        return
    if name.startswith("__") and name.endswith("__"):
        if name in {"__dict__", "__class__"}:
            frame.doubt(node, f"{name} of the flow is replaced")
        return
    frame.write(name)


def delete_attribute(frame: Frame, owner: Value, name: str) -> None:
    """Note that `owner.name` is deleted."""
    if FlowSelf() in owner:
        frame.delete(frame.mangled(name))
