"""Totals of lineage: the last lines, with numbers and with reads that are not known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from mfwb.lineage import Evidence
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.fit import Wrapped
from mfwb.report.format import count
from mfwb.report.lineage.phrases import join_names
from mfwb.report.lineage.reasons import Reasons
from mfwb.report.lineage.steps import StepView
from mfwb.safe_text import one_line

__all__ = ["doubt_lines", "total_line"]

_MANY_STEPS = 6


def total_line(traced: TracedFlowRun, views: Sequence[StepView]) -> str:
    """Return the numbers of steps, tasks and artifacts, and of edges by their evidence."""
    lineage = traced.lineage
    made = sum(len(names) for names in lineage.writes.values())
    tasks = sum(len(view.tasks) for view in views)
    counts = Counter(edge.evidence for edge in lineage.edges)
    parts = [f"{counts[evidence]:,} {evidence.value}" for evidence in Evidence if counts[evidence]]
    whole = [count(len(views), "step"), count(tasks, "task"), f"{count(made, 'artifact')} made"]
    edges = count(len(lineage.edges), "edge")
    return f"{', '.join(whole)}; {edges}{': ' if parts else ''}{', '.join(parts)}"


def doubt_lines(views: Sequence[StepView], reasons: Reasons) -> Iterator[RenderableType]:
    """Yield the steps whose reads are not known, and why; nothing if all are known."""
    by_reason: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for view in views:
        if view.doubts or not view.known:
            by_reason[reasons.doubts(view.name)].append(one_line(view.name))
    number = sum(map(len, by_reason.values()))
    if not number:
        return
    steps = "one step" if number == 1 else f"{number:,} steps"
    yield Wrapped(
        Text(
            f"the reads of {steps} are not certain; all artifacts at hand are shown as available",
            style="yellow",
        )
    )
    for doubts, names in by_reason.items():
        line = f"{join_names(names, _MANY_STEPS)}: {'; '.join(doubts)}"
        yield Padding(Wrapped(Text(line, style="yellow")), (0, 0, 0, 2), expand=False)
