"""Check that a source is still the code that ran. If that is not certain, it is not used."""

from __future__ import annotations

from mfwb.lineage.static_analysis import CodeError, FlowCode, StepCode, read_flow_code
from mfwb.snapshot import FlowRun, GraphStep, SourceCode, Task
from mfwb.snapshot.pathspec import TaskPath, moment_of_id

__all__ = ["TrustedCode", "read_trusted_code"]


class TrustedCode:
    """The code of the tasks of a flow run, as far as it can be trusted."""

    def __init__(self, code: FlowCode | None, *, missing: str = "", clones: str = "") -> None:
        """Store the analysed code.

        Args:
            code: the analysed source; None: it can't be trusted for any task.
            missing: why it can't be trusted for any task.
            clones: why it can't be trusted for clones; empty: it can.
        """
        self._code = code
        self._missing = missing
        self._clones = clones

    def code_of(self, task: Task) -> tuple[StepCode | None, str]:
        """Return the code of a task, or None and the reason why there is no trusted code."""
        if task.is_control:  # the step's code runs in the tasks that the control task starts
            return StepCode(task.step, line=0), ""
        if self._code is None:
            return None, self._missing
        if task.origin is not None and self._clones:
            return None, self._clones
        step = self._code.steps.get(task.step)
        if step is None:
            return None, f"its source has no step {task.step}"
        taken = task.transition.steps if task.transition else ()
        if step.next and not set(taken) <= set(step.next):
            return None, f"its source leads from {task.step} to {' and '.join(step.next)}"
        return step, ""


def read_trusted_code(flow_run: FlowRun) -> TrustedCode:
    """Return the code of a flow run, checked against what Metaflow recorded when it ran."""
    source = flow_run.code
    if source is None:
        return TrustedCode(None, missing=flow_run.code_missing or "there is no source")
    try:
        code = read_flow_code(source, flow_run.flow)
    except CodeError as error:
        return TrustedCode(None, missing=str(error))
    differs = _difference(code, flow_run.graph)
    resumed = any(task.origin for task in flow_run.tasks)
    fresh = "" if resumed else differs  # the graph of a resumed flow run is its origin's
    missing = fresh or _written_since(source, flow_run)
    if missing:
        return TrustedCode(None, missing=missing)
    return TrustedCode(code, clones=differs or _written_since_origin(source, flow_run))


def _difference(code: FlowCode, graph: tuple[GraphStep, ...]) -> str:
    """Return the difference between the source and the graph of the flow run; empty: none."""
    if not graph:
        return "Metaflow recorded no graph to compare its source with"
    then = {step.name: step for step in graph}
    if then.keys() != code.steps.keys():
        names = ", ".join(sorted(then.keys() ^ code.steps.keys()))
        return f"its source has other steps than the flow run: {names}"
    for name, step in code.steps.items():
        if then[name].line is not None and then[name].line != step.line:
            return (
                f"its source was edited: {name} is at line {step.line}, and ran at line "
                f"{then[name].line}"
            )
        # Metaflow reads the last line, `self.next(...)`, even if the step always fails before it.
        if step.followed and step.next and set(then[name].next) != set(step.next):
            return f"its source was edited: {name} leads to other steps than it did"
    return ""


def _written_since(source: SourceCode, flow_run: FlowRun) -> str:
    """Return why a source may differ from what ran: of a file, only its time of change is known."""
    if source.origin == "package":
        return ""
    if source.changed_at is None or source.changed_at > flow_run.started_at:
        return f"{source.script} was written after the flow run began"
    return ""


def _written_since_origin(source: SourceCode, flow_run: FlowRun) -> str:
    """Return why clones may have run another source: their origin may be much older."""
    if source.origin == "package":
        return ""  # compared with the graph, which is the origin's, it is the same
    origins = {TaskPath.of(task.origin).run for task in flow_run.tasks if task.origin}
    for origin in sorted(origins):
        began = moment_of_id(origin)
        if began is None:
            return f"it is a clone, and when {flow_run.flow}/{origin} began is not known"
        if source.changed_at is None or source.changed_at > began:
            return f"it is a clone, and {source.script} was written after {origin} began"
    return ""
