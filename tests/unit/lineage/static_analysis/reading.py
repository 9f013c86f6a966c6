"""Helpers: the result of the analysis for the body of a step."""

from __future__ import annotations

from textwrap import dedent, indent

from mfwb.lineage.static_analysis import FlowCode, InputRead, StepCode, read_flow_code
from mfwb.snapshot import SourceCode

HEAD = (
    "from metaflow import Config, DataArtifact, Flow, FlowMutator, FlowSpec, IncludeFile, "
    "Parameter, Run, S3, Step, Task, batch, card, catch, conda, config_expr, current, "
    "environment, kubernetes, parallel, project, pypi, resources, retry, secrets, step, timeout\n"
)


def flow_code(script: str, others: dict[str, str] | None = None) -> FlowCode:
    """Return what is said of the flow F in a script; `others` are the other files."""
    files = {"flow.py": dedent(script), **(others or {})}
    return read_flow_code(SourceCode("flow.py", files, "file"), "F")


def step(body: str, *, members: str = "", above: str = "", deco: str = "") -> StepCode:
    """Return what is said of one step `a`, whose join argument is `inputs` if it speaks of it."""
    join = ", inputs" if "inputs" in body else ""
    text = (
        f"{HEAD}{dedent(above)}\nclass F(FlowSpec):\n"
        f"{indent(dedent(members), '    ')}\n"
        f"{indent(dedent(deco), '    ')}\n"
        f"    @step\n    def a(self{join}):\n{indent(dedent(body), ' ' * 8)}\n"
    )
    return flow_code(text).steps["a"]


def reads(body: str, **around: str) -> str:
    """Return the reads, sorted, in one string; doubts fail the test."""
    result = step(body, **around)
    assert result.doubts == ()
    return " ".join(sorted(result.reads))


def always(body: str, **around: str) -> str:
    """Return what is always written, sorted, in one string."""
    return " ".join(sorted(step(body, **around).always_writes))


def input_reads(body: str, **around: str) -> str:
    """Return the input reads, sorted, as `branch.x`, `[0].x` or `x`; doubts fail the test."""
    result = step(body, **around)
    assert result.doubts == ()
    return " ".join(sorted(_said(read) for read in result.input_reads))


def _said(one: InputRead) -> str:
    if one.branch is not None:
        return f"{one.branch}.{one.name}"
    return one.name if one.index is None else f"[{one.index}].{one.name}"


def doubts(body: str, **around: str) -> str:
    """Return the doubts without their lines, in one string."""
    return "; ".join(doubt.partition(": ")[2] for doubt in step(body, **around).doubts)
