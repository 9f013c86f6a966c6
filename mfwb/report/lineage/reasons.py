"""Explanations of the evidence of uses."""

from __future__ import annotations

from posixpath import basename

from mfwb.lineage import Edge, Evidence
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.lineage.phrases import join_names
from mfwb.safe_text import one_line
from mfwb.snapshot.pathspec import flow_run_of, step_of

__all__ = ["Reasons"]


class Reasons:
    """Explains the evidence of each use."""

    def __init__(self, traced: TracedFlowRun) -> None:
        self._flow_run = traced.flow_run
        self._doubts = traced.lineage.doubts
        self._positions = traced.lineage.positions

    def why_of(self, edge: Edge) -> str:
        """Return the evidence that a task used an artifact, of this or another flow run."""
        is_own = flow_run_of(edge.producer) == self._flow_run.pathspec
        if edge.evidence is Evidence.AVAILABLE and not is_own:
            return "available: the values that name the flow run may have changed since"
        return self.why(step_of(edge.consumer), edge.artifact, edge.evidence)

    def why(self, step: str, artifact: str, evidence: Evidence) -> str:
        """Return the evidence that a step used an artifact."""
        if evidence is Evidence.AVAILABLE:
            return f"available: {self.unknown(step)}"
        if evidence is Evidence.FOREACH_INPUT:
            return "foreach-input, an item each"
        position = self._line_of_read(step, artifact)
        if not position:
            return "read by its code" if evidence is Evidence.READ else "parameter"
        return f"{evidence.value}, {position}"

    def unknown(self, step: str) -> str:
        """Return why it is not known whether a step read the artifacts that were available."""
        return f"whether it was read is not known: {join_names(self.doubts(step))}"

    def doubts(self, step: str) -> tuple[str, ...]:
        """Return why the reads of a step are not known."""
        missing = self._flow_run.code_missing or "its source was not read"
        return tuple(map(one_line, self._doubts.get(step) or (missing,)))

    def _line_of_read(self, step: str, artifact: str) -> str:
        """Return `line 41 of flow.py`, where a step reads an artifact; empty: not in its body."""
        position = self._positions.get((step, artifact))
        return f"line {position.line} of {one_line(basename(position.file))}" if position else ""
