"""Calls of functions with known source: each is analysed once per kind of arguments."""

from __future__ import annotations

import ast

from mfwb.lineage.static_analysis.calls.arguments import Args, bind, defaults_of
from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.effects import Effects, Summary
from mfwb.lineage.static_analysis.domain.state import State, merge_states
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    ExternalName,
    Func,
    FunctionNode,
    Iter,
    Local,
    Value,
    holds_flow,
    leaves_of,
)
from mfwb.lineage.static_analysis.frame import Frame
from mfwb.lineage.static_analysis.program.classes import name_of, value_of_name
from mfwb.lineage.static_analysis.program.literals import literal_value
from mfwb.lineage.static_analysis.program.metaflow_names import HARMLESS_WRAPPERS, is_metaflow

__all__ = ["apply_summary", "defer", "doubt_wrappers", "follow", "summarise"]

_DEPTH = 40
_CALL = 5  # pieces of work to enter a function


def follow(frame: Frame, func: Func, args: Args, *, sure: bool = True) -> Value:
    """Apply the effects of a call, and return its value; `sure`: it happens exactly once, here."""
    summary = summarise(frame, func, args)
    apply_summary(frame, summary, sure=sure)
    return summary.value


def apply_summary(frame: Frame, summary: Summary, *, sure: bool) -> None:
    """Add the effects of a call at this point."""
    effects = summary.effects
    frame.study.spend_on_names(effects.size() + len(summary.sure) + frame.state.size())
    for name in effects.reads:
        frame.read(name)
    frame.effects.reads_after_delete |= effects.reads_after_delete | (
        effects.deletes & frame.effects.deferred
    )
    frame.effects.merge(effects)
    before = frame.state.copy()
    if effects.deletes and frame.catchers:
        frame.state.sure.update(dict.fromkeys(effects.deletes, False))
        frame.may_raise()
        frame.state = before.copy()
    for name, written in summary.sure.items():
        frame.state.sure[name] = written and name not in frame.effects.unsettled
    frame.state.is_reachable = summary.ends
    if not sure:
        frame.state = merge_states(before, frame.state)


def defer(frame: Frame, summary: Summary) -> None:
    """Add the effects of a function that may be called at any time from now on."""
    effects = summary.effects
    frame.effects.deferred |= effects.reads | effects.reads_after_delete
    frame.effects.unsettled |= effects.deletes
    apply_summary(frame, summary, sure=False)


def summarise(frame: Frame, func: Func, args: Args, home: Frame | None = None) -> Summary:
    """Return the summary of a call. `home` is the frame around an inner function."""
    study = frame.study
    study.spend(_CALL)
    if any(func is other for other, _ in study.open):
        return _summarise_recursion(frame, func, args)
    if len(study.open) > _DEPTH:
        frame.doubt(func.node, f"calls lead too deep, at {func.name}")
        return Summary()
    key = (func, args)
    may_keep = home is None and not any(_is_local(value) for value in args.all())
    if may_keep and key in study.summaries:
        return study.summaries[key]
    depth, reopened = len(study.open), study.reopened
    study.open.append((func, args))
    study.reopened = depth
    try:
        summary = _analyse(frame, func, args, home)
    finally:
        study.open.pop()
        complete = study.reopened >= depth
        study.reopened = min(study.reopened, reopened)
    if func in study.recursive and holds_flow(summary.value):
        frame.doubt(func.node, f"{func.name} calls itself and returns self or an input")
    if may_keep and complete:
        study.summaries[key] = summary
    return summary


def _summarise_recursion(frame: Frame, func: Func, args: Args) -> Summary:
    """Return the summary of a recursive call, which has no effects beyond the first call.

    The exception are attributes deleted so far, which the first call may have taken as written.
    """
    study = frame.study
    study.recursive.add(func)
    first = next(index for index, (other, _) in enumerate(study.open) if other is func)
    study.reopened = min(study.reopened, first)
    effects = Effects()
    effects.reads_after_delete = {name for name, sure in frame.state.sure.items() if not sure}
    rest = args.positional[1:] if func.owner else args.positional
    if (func, args) not in study.open and any(holds_flow(value) for value in rest):
        frame.doubt(func.node, f"{func.name} calls itself with other inputs")
    deleted = study.project.deleted()
    study.spend_on_names(len(deleted) + len(effects.reads_after_delete))
    sure = dict.fromkeys(deleted, False)
    return Summary(effects, sure)


def _analyse(caller: Frame, func: Func, args: Args, home: Frame | None) -> Summary:
    node = func.node
    frame = Frame(caller.study, func.module, func.owner)
    _spend_on_head(frame, node, home)
    if any(holds_flow(value) for value in args.all()):
        doubt_wrappers(frame, node)
    frame.local_names = func.module.survey.local_names(node)
    if home is not None:
        frame.owner = func.owner or home.owner
        frame.receiver = home.receiver
        hidden = frame.local_names
        frame.state.names = {k: v for k, v in home.state.names.items() if k not in hidden}
        frame.local_names |= home.local_names - frame.state.names.keys()
    bound = bind(node.args, args)
    for name, default in defaults_of(node.args, args):
        value = _default(frame, home, default)
        bound[name] = value if args.rest is None else value | bound[name]
    frame.state.names.update(bound)
    if func.owner is not None and bound:
        first = next(iter(next(iter(bound.values()))), None)
        frame.receiver = first
    if isinstance(node, ast.Lambda):
        frame.returned = frame.evaluate(node.body)
        return Summary(frame.effects, frame.state.sure, frame.state.is_reachable, frame.returned)
    frame.run(node.body)
    end = merge_states(frame.exits.returns, frame.state)
    if frame.yielded is not None:  # a generator: its code runs during iteration, or never
        return Summary(
            frame.effects,
            merge_states(end, State()).sure if end.is_reachable else {},
            value=value_of(Iter(frame.yielded)),
        )
    value = frame.returned | (ANYTHING if frame.state.is_reachable else frozenset())
    return Summary(frame.effects, end.sure, end.is_reachable, value or ANYTHING)


def _spend_on_head(frame: Frame, node: FunctionNode, home: Frame | None) -> None:
    """Count the work of setting up the names of a function and checking its decorators."""
    parameters = node.args
    count = len(parameters.args) + len(parameters.posonlyargs) + len(parameters.kwonlyargs)
    frame.study.spend(count + len(getattr(node, "decorator_list", ())))
    if home is not None:
        frame.study.spend_on_names(home.state.size() + len(home.local_names))


def doubt_wrappers(frame: Frame, node: FunctionNode | ast.ClassDef) -> None:
    """Note doubts about decorators that may read artifacts."""
    for decorator in getattr(node, "decorator_list", ()):
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if not _is_harmless(frame, target):
            name = name_of(decorator)
            frame.doubt(decorator, f"decorated by {name}, which may read artifacts")


def _is_harmless(frame: Frame, target: ast.expr) -> bool:
    if isinstance(target, ast.Attribute) and target.attr in {"deleter", "getter", "setter"}:
        return True
    names = [
        atom.dotted
        for atom in value_of_name(frame.study.project, frame.module, target)
        if isinstance(atom, ExternalName)
    ]
    return any(name in HARMLESS_WRAPPERS or is_metaflow(name) for name in names)


def _is_local(value: Value) -> bool:
    return any(isinstance(atom, Local) for atom in leaves_of(value))


def _default(frame: Frame, home: Frame | None, default: ast.expr) -> Value:
    if home is not None:
        return home.evaluate(default)
    return literal_value(default, lambda name: frame.study.project.lookup(frame.module, name))
