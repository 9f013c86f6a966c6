"""The last lines: how much there is, and what of it is not known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from mfwb.lineage import Evidence
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.format import count
from mfwb.report.lineage.phrases import listed
from mfwb.report.lineage.reasons import Reasons
from mfwb.report.lineage.steps import StepView
from mfwb.safe_text import one_line

__all__ = ["doubt_lines", "total_line"]

_MANY_STEPS = 6


def total_line(traced: TracedFlowRun, views: Sequence[StepView]) -> str:
    """Return how many steps, tasks, artifacts and edges there are, and of what ground."""
    lineage = traced.lineage
    made = sum(len(names) for names in lineage.writes.values())
    tasks = sum(len(view.tasks) for view in views)
    grounds = Counter(edge.evidence for edge in lineage.edges)
    parts = [f"{grounds[ground]:,} {ground.value}" for ground in Evidence if grounds[ground]]
    whole = [count(len(views), "step"), count(tasks, "task"), f"{count(made, 'artifact')} made"]
    edges = count(len(lineage.edges), "edge")
    return f"{', '.join(whole)}; {edges}{': ' if parts else ''}{', '.join(parts)}"


def doubt_lines(views: Sequence[StepView], reasons: Reasons) -> Iterator[RenderableType]:
    """Yield which steps' reads are not known, and why; nothing if they are."""
    by_reason: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for view in views:
        if view.doubts or not view.known:
            by_reason[reasons.doubts(view.name)].append(one_line(view.name))
    number = sum(map(len, by_reason.values()))
    if not number:
        return
    steps = "one step" if number == 1 else f"{number:,} steps"
    yield Text(
        f"what {steps} read is not known for certain; all that was at hand is shown as available",
        style="yellow",
    )
    for told, names in by_reason.items():
        line = f"{listed(names, _MANY_STEPS)}: {'; '.join(told)}"
        yield Padding(Text(line, style="yellow", overflow="fold"), (0, 0, 0, 2))
