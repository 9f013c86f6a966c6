"""Comprehensions: like loops, but with their own names."""

from __future__ import annotations

import ast

from mfwb.lineage.static_analysis.calls.elements import element_of, is_nonempty
from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.state import merge_states
from mfwb.lineage.static_analysis.domain.values import Iter, Map, Value
from mfwb.lineage.static_analysis.frame import Frame, evaluates
from mfwb.lineage.static_analysis.syntax.targets import assign

__all__: list[str] = []

_COMPREHENSION = 3  # pieces of work in addition to its content


@evaluates(ast.ListComp, ast.SetComp, ast.GeneratorExp)
def _comprehension(frame: Frame, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
    value, nonempty = _comprehended(frame, node.generators, [node.elt])
    return value_of(Iter(value[0], nonempty))


@evaluates(ast.DictComp)
def _dict_comprehension(frame: Frame, node: ast.DictComp) -> Value:
    value, _ = _comprehended(frame, node.generators, [node.key, node.value])
    return value_of(Map(value[1]))


def _comprehended(
    frame: Frame, generators: list[ast.comprehension], parts: list[ast.expr]
) -> tuple[list[Value], bool]:
    """Return the possible values of the parts, and whether there is certainly an element."""
    frame.study.spend(_COMPREHENSION)
    frame.study.spend_on_names(3 * frame.state.size())
    outer_names = dict(frame.state.names)
    before = None
    nonempty = True
    for generator in generators:
        source = frame.evaluate(generator.iter)
        if before is None:
            before = frame.state.copy()
        nonempty = nonempty and is_nonempty(source) and not generator.ifs
        assign(frame, generator.target, element_of(source))
        for condition in generator.ifs:
            frame.evaluate(condition)
    values = [frame.evaluate(part) for part in parts]
    if False in frame.state.sure.values():  # the next element may miss what this one deleted
        values = [frame.evaluate(part) for part in parts]
    if before is not None and not nonempty:
        frame.state = merge_states(before, frame.state)
    walrus = _walrus_names(generators, parts)
    names = {name: frame.state.names[name] for name in walrus if name in frame.state.names}
    frame.state.names = outer_names | names
    return values, nonempty


def _walrus_names(generators: list[ast.comprehension], parts: list[ast.expr]) -> set[str]:
    return {
        node.target.id
        for part in [*generators, *parts]
        for node in ast.walk(part)
        if isinstance(node, ast.NamedExpr)
    }
