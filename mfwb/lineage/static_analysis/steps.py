"""The steps of a flow class: their methods, and what their decorators add."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.follow import doubt_wrappers, summarise
from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.effects import Effects
from mfwb.lineage.static_analysis.domain.values import (
    ClassInfo,
    Const,
    ExternalName,
    FlowSelf,
    Func,
    Inputs,
    only,
)
from mfwb.lineage.static_analysis.frame import Frame, Study
from mfwb.lineage.static_analysis.program.classes import FlowClass, name_of, value_of_name

__all__ = ["Step", "StepResult", "steps_of", "study_step"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Step:
    """A step: the method and its definition."""

    name: str
    func: Func
    node: ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class StepResult:
    """The effects of a step, and the artifacts that it has certainly written at its end."""

    effects: Effects
    always: frozenset[str]
    followed: bool = True


def steps_of(flow: FlowClass) -> Iterator[Step]:
    """Yield the steps, which are methods with Metaflow's `@step`; the nearest class comes first."""
    seen: set[str] = set()
    for info in flow.order:
        for name, statements in info.members.items():
            node = statements[-1]
            if name not in seen and isinstance(node, _FUNCTIONS) and _is_step(flow, info, node):
                yield Step(name, flow.project.function(node, info.module, info), node)
            seen.add(name)


def _is_step(
    flow: FlowClass, info: ClassInfo, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> bool:
    return any("step" in _last_names_of(flow, info, decorator) for decorator in node.decorator_list)


def _last_names_of(flow: FlowClass, info: ClassInfo, decorator: ast.expr) -> set[str]:
    """Return the last parts of the dotted names that an outside decorator may have."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return {
        atom.dotted.rpartition(".")[2]
        for atom in value_of_name(flow.project, info.module, target)
        if isinstance(atom, ExternalName)
    }


def study_step(study: Study, step: Step) -> StepResult:
    """Return what a step does from its first line to its end, decorators included."""
    study.begin_step()
    frame = Frame(study, step.func.module, step.func.owner)
    doubt_class(frame, study.flow)
    given = (
        (value_of(FlowSelf()), value_of(Inputs()))
        if len(_parameters(step.node)) > 1
        else (value_of(FlowSelf()),)
    )
    summary = summarise(frame, step.func, Args(given))
    effects = frame.effects
    effects.reads = summary.effects.reads | summary.effects.reads_after_delete
    effects.merge(summary.effects)
    always = {name for name, sure in summary.sure.items() if sure} if summary.ends else set()
    for decorator in step.node.decorator_list:
        _decorated(frame, decorator, always)
    return StepResult(effects, frozenset(always))


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args]


def _decorated(frame: Frame, decorator: ast.expr, always: set[str]) -> None:
    """Add what `@catch(var=...)` writes, and the configs that arguments name."""
    if not isinstance(decorator, ast.Call):
        return
    flow, owner = frame.study.flow, frame.owner
    names = _last_names_of(flow, owner, decorator) if owner else set()
    for keyword in decorator.keywords:
        if "catch" in names and keyword.arg == "var":
            _caught(frame, keyword.value, always)
    for expression in [*decorator.args, *(keyword.value for keyword in decorator.keywords)]:
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and owner and node.id in owner.members:
                frame.effects.reads.add(node.id)
            elif isinstance(node, ast.Call) and name_of(node).endswith("config_expr"):
                _config_of(frame, node)


def _caught(frame: Frame, node: ast.expr, always: set[str]) -> None:
    """Metaflow sets the variable of `@catch` to None when nothing was raised."""
    value = only(value_of_name(frame.study.project, frame.module, node))
    if isinstance(value, Const) and isinstance(value.value, str):
        frame.effects.writes.add(value.value)
        always.add(value.value)
    elif value != Const(None):
        frame.doubt(node, "the artifact that @catch writes has a computed name")


def _config_of(frame: Frame, node: ast.Call) -> None:
    text = (
        only(value_of_name(frame.study.project, frame.module, node.args[0])) if node.args else None
    )
    name = str(text.value).partition(".")[0] if isinstance(text, Const) else ""
    if frame.study.flow.find(name):
        frame.effects.reads.add(name)


def doubt_class(frame: Frame, flow: FlowClass) -> None:
    """Note doubts about the flow class that concern every step."""
    for name, (info, node) in flow.unknown_bases.items():
        at = Frame(frame.study, info.module, info)
        at.doubt(node, f"its base {name} comes from outside the code package")
        frame.effects.doubts |= at.effects.doubts
    for info, hook in flow.hooks():
        at = Frame(frame.study, info.module, info)
        at.doubt(hook, f"{info.name} changes what reading an attribute means")
        frame.effects.doubts |= at.effects.doubts
    for info in flow.order:
        at = Frame(frame.study, info.module, info)
        doubt_wrappers(at, info.node)
        frame.effects.doubts |= at.effects.doubts
