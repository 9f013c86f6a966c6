"""Flow runs whose source text is known, and their lineage."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from mfwb.lineage import Lineage, rebuild_lineage
from mfwb.snapshot import FlowRun, GraphStep, SourceCode, Task
from tests.support.flow_runs import flow_run

BEGAN = 1_700_000_000_000
HEAD = "from metaflow import FlowSpec, Parameter, step\n\nclass DemoFlow(FlowSpec):\n"


def traced(body: str, *tasks: Task, **facts: Any) -> Lineage:
    """Return the lineage of tasks that ran this body of a flow class."""
    return rebuild_lineage(with_source(body, *tasks, **facts))


def with_source(body: str, *tasks: Task, **facts: Any) -> FlowRun:
    """Return a flow run whose source is at hand, and says what its graph says."""
    text = HEAD + "\n".join(f"    {line}" for line in dedent(body).strip().splitlines()) + "\n"
    source = SourceCode("demo.py", {"demo.py": text}, "file", changed_at=BEGAN - 1)
    return flow_run(*tasks, **{"code": source, "graph": graph_of(text), **facts})


def graph_of(text: str) -> tuple[GraphStep, ...]:
    """Return the graph that Metaflow would have recorded, in the simple style of these tests."""
    lines = text.splitlines()
    steps: list[GraphStep] = []
    for number, line in enumerate(lines):
        if line.strip() == "@step":
            name = lines[number + 1].split("def ")[1].split("(")[0]
            after = [
                item for item in lines[number + 1 :] if "self.next(" in item or "@step" in item
            ]
            call = after[0] if after and "self.next(" in after[0] else ""
            following = tuple(
                part.split(",")[0].split(")")[0].strip() for part in call.split("self.")[2:]
            )
            steps.append(GraphStep(name, line=number + 2, next=following))
    return tuple(steps)
